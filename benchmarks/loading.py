"""Loading a model by us and by stock open_clip, each in its own process: seconds and memory."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec

from benchmarks.models import CACHE, write_random_checkpoint
from photosd.encoder.install.model_spec import InstallOrder

RUNS = 3
SECONDS = 200

# After the imports: load, then one forward of each tower, which touches every page of the weights.
OURS = """
import sys
from pathlib import Path
import numpy as np
from photosd.encoder.openclip_import import import_model_module
from photosd.encoder.model import WarmModel
from photosd.models.spec import read_model
directory = Path(sys.argv[1])
spec = read_model(directory)
import_model_module(lean=spec.lean)
started = time.perf_counter()
model = WarmModel(spec, directory, lambda phase: None)
load = time.perf_counter() - started
model.encode_texts(["sunset"])
model.encode_images(np.zeros((1, spec.preprocess.size, spec.preprocess.size, 3), np.uint8))
"""
STOCK = """
import sys
import open_clip, torch
arch, checkpoint = sys.argv[2:4]
started = time.perf_counter()
model = open_clip.create_model(arch, pretrained=checkpoint).eval()
load = time.perf_counter() - started
with torch.inference_mode():
    model.encode_text(open_clip.get_tokenizer(arch)(["sunset"]))
    size = model.visual.image_size
    model.encode_image(torch.zeros(1, 3, *(size if isinstance(size, tuple) else (size, size))))
"""
# Linux alone: ru_maxrss begins with what the parent had when it forked.
MEASURED = """
import json, psutil, time
{code}
final = psutil.Process().memory_info().rss
lines = dict(line.split(":", 1) for line in open("/proc/self/status"))
peak = int(lines["VmHWM"].split()[0]) * 1024
print(json.dumps({{"load_s": round(load, 2), "final_mb": round(final / 1e6),
                  "peak_to_final": round(peak / final, 2)}}))
"""


def loading(arch: str) -> dict[str, dict[str, float]]:
    """The best of some runs, in turn, from the same float32 weights."""
    CACHE.mkdir(exist_ok=True)
    found: dict[str, list[dict[str, float]]] = {"photosd": [], "open_clip": []}
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        checkpoint = Path(scratch) / "weights.safetensors"
        write_random_checkpoint(arch, checkpoint)
        order = InstallOrder(
            scratch, "exact", source=str(checkpoint), arch=arch, precision="float32"
        )
        words = [
            sys.executable,
            "-m",
            "photosd.encoder.install",
            msgspec.json.encode(order).decode(),
        ]
        subprocess.run(words, capture_output=True, check=True, timeout=SECONDS)
        arguments = [str(Path(scratch) / "exact"), arch, str(checkpoint)]
        for _ in range(RUNS):
            found["photosd"].append(_run(OURS, arguments))
            found["open_clip"].append(_run(STOCK, arguments))
    return {who: min(runs, key=lambda run: run["load_s"]) for who, runs in found.items()}


def _run(code: str, arguments: list[str]) -> dict[str, float]:
    script = MEASURED.format(code=code)
    ran = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        capture_output=True,
        check=True,
        timeout=SECONDS,
    )
    return dict(json.loads(ran.stdout.splitlines()[-1]))


if __name__ == "__main__":
    for who, figures in loading(*sys.argv[1:] or ["ViT-B-32"]).items():
        print(f"{who:10} {json.dumps(figures)}")
