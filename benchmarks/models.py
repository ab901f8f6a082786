"""Models to measure besides the starter: real architectures, random weights, installed as any."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec

from photosd.encoder.install.model_spec import InstallOrder

CACHE = Path(__file__).parent / "runs"  # ignored by git
INSTALL_SECONDS = 300


def random_model(arch: str) -> Path:
    """The model directory of an open_clip architecture, made once; hundreds of MB."""
    directory = CACHE / arch
    if (directory / "model.json").exists():
        return directory
    CACHE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as beside:
        checkpoint = Path(beside) / "weights.safetensors"
        write_random_checkpoint(arch, checkpoint)
        order = InstallOrder(models=str(CACHE), name=arch, arch=arch, source=str(checkpoint))
        command = [
            sys.executable,
            "-m",
            "photosd.encoder.install",
            msgspec.json.encode(order).decode(),
        ]
        told = subprocess.run(command, capture_output=True, timeout=INSTALL_SECONDS, check=False)
        if told.returncode:
            raise RuntimeError(told.stdout.decode().splitlines()[-1])
    return directory


def write_random_checkpoint(arch: str, file: Path) -> None:
    """Random float32 weights as stock open_clip would save them; the same each time."""
    import open_clip
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(1)
    model = open_clip.create_model(arch, pretrained=None)
    save_file({name: value.contiguous() for name, value in model.state_dict().items()}, file)
