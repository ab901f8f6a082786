"""``python -m benchmarks.rclip``: rclip and photosd index the same photos by one architecture.

Its own package in its own environment, its pipeline as it is; only the model is ours, of random
weights, since speed does not depend on them and nothing is downloaded but the package.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.indexing import whole_rate
from benchmarks.models import CACHE, random_model
from benchmarks.photos import make_photos

PACKAGE = "rclip==3.3.0"
ARCH = "ViT-B-32-256"  # what rclip 3 knows
MODEL_FOLDER = f"{ARCH}-datacomp_s34b_b86k"  # where it looks before it asks the hub
OPSET = 18  # as rclip's own export
EXPORTER = ("onnx>=1.17,<2", "ml_dtypes", "protobuf")
SECONDS = 600
PHOTOS = 96


def main() -> None:
    """Print photos a second of both, or why there is no comparison."""
    folder = Path(tempfile.mkdtemp(prefix="photosd-bench-photos-"))
    try:
        make_photos(folder, PHOTOS)
        print(json.dumps(beside_rclip(folder, PHOTOS)))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def beside_rclip(photos: Path, count: int) -> dict[str, Any]:
    """Photos per second of both, over ``count`` of these photos, in turn.

    Only ``skipped``, the reason, if rclip is not available.
    """
    try:
        program = _install()
        data = _data()
    except (subprocess.SubprocessError, OSError, ImportError, RuntimeError) as error:
        return {"skipped": f"rclip could not be set up: {error}"[:300]}
    with tempfile.TemporaryDirectory(prefix="photosd-bench-rclip-") as place:
        folder = Path(place)
        for file in sorted(photos.iterdir())[:count]:
            (folder / file.name).hardlink_to(file)
        theirs = count / _seconds_to_index(program, data, folder)
        cold = _run(program, data, folder, "-n")
        ours = whole_rate(random_model(ARCH), folder)
    return {
        "rclip": round(theirs, 2),
        "ours": round(ours, 2),
        "ratio": round(ours / theirs, 2),
        "cold_query_s": round(cold, 2),
    }


def _seconds_to_index(program: Path, data: Path, folder: Path) -> float:
    """Seconds for all photos; what it takes to start and search is not counted."""
    (data / "db.sqlite3").unlink(missing_ok=True)
    whole = _run(program, data, folder)
    return whole - _run(program, data, folder)  # the second time there is nothing to index


def _run(program: Path, data: Path, folder: Path, *options: str) -> float:
    started = time.perf_counter()
    subprocess.run(
        [program, "a dog on the beach", *options],
        cwd=folder,
        env={**os.environ, "RCLIP_DATADIR": str(data), "HF_HUB_OFFLINE": "1"},
        check=True,
        capture_output=True,
        timeout=SECONDS,
    )
    return time.perf_counter() - started


def _install() -> Path:
    """rclip's program, in an environment of its own."""
    place = CACHE / "rclip"
    program = place / "bin" / "rclip"
    if not program.exists():
        _do(sys.executable, "-m", "venv", place)
        _do(place / "bin" / "python", "-m", "pip", "install", "-q", PACKAGE)
    return program


def _data() -> Path:
    """rclip's data directory with a model in it, as its own export makes one."""
    data = CACHE / "rclip-data"
    if (data / MODEL_FOLDER / "textual.onnx").exists():
        return data
    exporter = CACHE / "onnx"  # beside our own packages, which do not need it
    if not exporter.exists():
        pip = [CACHE / "rclip" / "bin" / "python", "-m", "pip", "install", "-q", "--no-deps"]
        _do(*pip, "--target", exporter, *EXPORTER)
    shutil.rmtree(data, ignore_errors=True)
    _do(sys.executable, "-c", EXPORT, exporter, data, MODEL_FOLDER, ARCH, OPSET)
    return data


def _do(*command: object) -> None:
    ran = subprocess.run([str(word) for word in command], capture_output=True, timeout=SECONDS)
    if ran.returncode:
        raise RuntimeError((ran.stderr.decode().strip() or "no reason given").splitlines()[-1])


EXPORT = """
import shutil, sys
from pathlib import Path
import open_clip, torch
sys.path.append(sys.argv[1])
data, folder, arch, opset = Path(sys.argv[2]), sys.argv[3], sys.argv[4], int(sys.argv[5])
(data / folder).mkdir(parents=True)
(data / "tokenizer").mkdir()
vocabulary = "bpe_simple_vocab_16e6.txt.gz"
shutil.copy(Path(open_clip.__file__).parent / vocabulary, data / "tokenizer" / vocabulary)
torch.manual_seed(1)
model = open_clip.create_model(arch, pretrained=None).eval()

class Tower(torch.nn.Module):
    def __init__(self, encode):
        super().__init__()
        self.model, self.encode = model, encode
    def forward(self, x):
        return self.encode(x)

size = model.visual.image_size[0]
for name, encode, example in (
    ("visual", model.encode_image, torch.zeros(1, 3, size, size)),
    ("textual", model.encode_text, torch.zeros(1, model.context_length, dtype=torch.long)),
):
    torch.onnx.export(
        Tower(encode), (example,), data / folder / f"{name}.onnx",
        opset_version=opset, dynamo=False,
        input_names=["input"], output_names=["output"],
        dynamic_axes={"input": {0: "n"}, "output": {0: "n"}},
    )
"""


if __name__ == "__main__":
    main()
