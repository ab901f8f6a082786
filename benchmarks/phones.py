"""``python -m benchmarks.phones``: a phone's library through the whole daemon.

Photos a second of each kind of file alone and of the mixture that phones leave behind, beside JPEGs
of the same size, and beside what decoding and forward pass alone would allow. ``--old DIRECTORY``
measures the same files with another version of photosd whose source is there. One in a thousand of
the mixture is ``$PHOTOSD_BENCH_LARGE``, a file of 200 MP.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pillow_heif
from PIL import Image

from benchmarks.indexing import decode_rate, forward_rate, whole_rate
from benchmarks.photos import QUALITY, scene
from photosd.models.spec import STARTER

COUNT = 60  # files of one kind
MIXED = 1000
SHARES = {"heic": 0.55, "heic bare": 0.1, "jpeg": 0.2, "jpeg 48 MP": 0.05, "png": 0.1}
TILE = 512  # as phones store HEIC
THUMBNAIL = 320
HEIC_QUALITY = 60  # files of 1 to 2 MB, as those of phones
SCREEN = (1170, 2532)
SEEDS = 6  # different scenes: each takes seconds to encode as HEIC; the others are shifted by bytes


def main() -> None:
    """Print photos a second by kind."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.phones", description=__doc__)
    parser.add_argument("--old", type=Path, help="the root of another version")
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--mixed", type=int, default=MIXED)
    args = parser.parse_args()
    print(json.dumps(phones(args.count, args.mixed, args.old), indent=1))


def phones(
    count: int = COUNT, mixed: int = MIXED, old: Path | None = None
) -> dict[str, dict[str, float]]:
    """By kind: photos a second of the daemon, of its decoders and of the model alone, what both
    allow (`indexing.indexing`), and of an ``old`` version.
    """
    place = Path(tempfile.mkdtemp(prefix="photosd-bench-phones-", dir="/tmp"))
    try:
        return _phones(place, count, mixed, old)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _phones(place: Path, count: int, mixed: int, old: Path | None) -> dict[str, dict[str, float]]:
    forward = forward_rate(STARTER)
    libraries = {kind: {kind: count} for kind in SHARES}
    libraries["mixed"] = {kind: round(share * mixed) for kind, share in SHARES.items()}
    found: dict[str, dict[str, float]] = {}
    for name, kinds in libraries.items():
        folder = place / name.replace(" ", "-")
        folder.mkdir()
        for kind, files in kinds.items():
            write(folder, kind, files)
        if name == "mixed" and (large := os.environ.get("PHOTOSD_BENCH_LARGE")):
            shutil.copy(large, folder)
        decode = decode_rate(STARTER, folder)
        found[name] = {
            "photos": len(list(folder.iterdir())),
            "daemon": round(whole_rate(None, folder), 2),
            "decode_only": round(decode, 2),
            "forward_only": round(forward, 2),
            "limit": round(1 / (1 / decode + 1 / forward), 2),
        }
        if old is not None:
            found[name]["old"] = round(_rate_of(old, folder), 2)
        print(name, found[name], file=sys.stderr, flush=True)
        shutil.rmtree(folder)
    return found


def write(folder: Path, kind: str, count: int) -> None:
    """``count`` files of this kind, each with another content."""
    for number in range(count):
        data, suffix = _made(kind, number % SEEDS)
        # A box after the picture: another content id, the same picture.
        box = (16).to_bytes(4) + b"free" + number.to_bytes(8)
        (folder / f"{kind.replace(' ', '-')}-{number:04}{suffix}").write_bytes(data + box)


def _made(kind: str, seed: int) -> tuple[bytes, str]:
    if (kind, seed) not in _files:
        _files[kind, seed] = MAKERS[kind](seed)
    return _files[kind, seed]


_files: dict[tuple[str, int], tuple[bytes, str]] = {}


def _heic(seed: int, thumbnails: tuple[int, ...] = (THUMBNAIL,)) -> tuple[bytes, str]:
    buffer = io.BytesIO()
    image = pillow_heif.from_pillow(Image.fromarray(scene(np.random.default_rng(seed))))
    image.save(
        buffer, quality=HEIC_QUALITY, thumbnails=list(thumbnails), tile_size=TILE,
        enc_params={"preset": "ultrafast"},
    )  # fmt: skip
    return buffer.getvalue(), ".heic"


def _jpeg(seed: int, times: int = 1) -> tuple[bytes, str]:
    buffer = io.BytesIO()
    pixels = np.tile(scene(np.random.default_rng(seed)), (times, times, 1))
    Image.fromarray(pixels).save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue(), ".jpg"


def _png(seed: int) -> tuple[bytes, str]:
    """A screenshot: flat areas and sharp edges."""
    generator = np.random.default_rng(seed)
    coarse = generator.integers(0, 255, (SCREEN[1] // 18, SCREEN[0] // 18, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(coarse).resize(SCREEN, Image.Resampling.NEAREST).save(buffer, "PNG")
    return buffer.getvalue(), ".png"


MAKERS: dict[str, Callable[[int], tuple[bytes, str]]] = {
    "heic": _heic,
    "heic bare": lambda seed: _heic(seed, ()),
    "jpeg": _jpeg,
    "jpeg 48 MP": lambda seed: _jpeg(seed, 2),
    "png": _png,
}


OLD_RATE = """
import sys
from pathlib import Path
from benchmarks.bench import running
folder = Path(sys.argv[1])
with running(None) as daemon:
    daemon.wait_ready()
    daemon.wait_calm()
    print(len(list(folder.iterdir())) / daemon.index(folder))
"""


def _rate_of(old: Path, folder: Path) -> float:
    """The same with another version, which may fail on some of the files."""
    path = os.pathsep.join(map(str, (old, old / "daemon", old / "cli")))
    ran = subprocess.run(
        [sys.executable, "-c", OLD_RATE, str(folder)],
        cwd=old, env={**os.environ, "PYTHONPATH": path}, check=True, stdout=subprocess.PIPE,
        timeout=1800,
    )  # fmt: skip
    return float(ran.stdout.split()[-1])


if __name__ == "__main__":
    main()
