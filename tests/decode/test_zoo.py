"""Every odd, broken and hostile file there is ends decoded or with a sensible reason."""

from __future__ import annotations

import csv
import random
from collections import Counter
from pathlib import Path

import psutil
import pytest

from photosd.decode import lane
from photosd.decode.decode_errors import DecodeFailed
from photosd.decode.pool import Decoded, Pool, Shape
from tests.decode.pictures import psnr, write

SHAPE = Shape(64)
SOON = 100.0  # longer than the limits of the pool
SENSIBLE = {
    "not_a_picture", "damaged", "truncated", "empty", "too_large", "unsupported",
    "raw_without_preview",
}  # fmt: skip
# Pillow opens these, photosd does not want to: no photo is stored like that.
NOT_OURS = {".tga", ".ico"}


@pytest.fixture(autouse=True)
def _long_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A decoder that has nothing to do for long ends; here that would look like a death."""
    monkeypatch.setattr(lane, "IDLE_SECONDS", 3600.0)


def outcomes(pool: Pool, files: list[Path]) -> dict[str, Decoded | DecodeFailed]:
    """What becomes of each file, by name."""
    futures = {file.name: pool.decode(bytes(file), SHAPE, urgent=True) for file in files}
    ended: dict[str, Decoded | DecodeFailed] = {}
    for name, future in futures.items():
        error = future.exception(SOON)
        assert error is None or isinstance(error, DecodeFailed), (name, error)
        ended[name] = error or future.result()
    return ended


def test_every_file_of_the_zoo_ends_sensibly(photos: Path, pool: Pool) -> None:
    """What Pillow can read is decoded, the rest fails with a reason; no decoder dies of any."""
    with (photos / "zoo" / "manifest.csv").open(newline="") as table:
        rows = {row["file"]: row["pillow_status"] for row in csv.DictReader(table)}
    pool.decode(bytes(photos / "zoo" / "exif__Landscape_1.jpg"), SHAPE, urgent=True).result(SOON)
    before = {pid: psutil.Process(pid).memory_info().rss for pid in pool.pids}  # of other tests
    ended = outcomes(pool, [photos / "zoo" / name for name in rows])
    for name, status in rows.items():
        outcome = ended[name]
        if isinstance(outcome, DecodeFailed):
            assert outcome.code in SENSIBLE, (name, outcome.code, outcome.reason)
            assert outcome.reason and outcome.remedy and not outcome.transient
        if Path(name).suffix.lower() not in NOT_OURS:
            assert isinstance(outcome, Decoded) == (status == "ok"), (name, status, outcome)
    assert before.keys() <= set(pool.pids)
    for pid in pool.pids:
        most = max(160 << 20, before.get(pid, 0) + (64 << 20))
        assert psutil.Process(pid).memory_info().rss < most


@pytest.mark.parametrize(
    "scene", ["Landscape", "jpg_orientation_landscape", "jpg_orientation_portrait"]
)
def test_orientation_variants_of_a_real_photo_look_the_same(
    photos: Path, pool: Pool, scene: str
) -> None:
    """Eight stored ways, one upright photo."""
    files = sorted((photos / "zoo").glob(f"exif__{scene}_[1-8].jpg"))
    ended = outcomes(pool, files)
    first = ended[files[0].name]
    assert isinstance(first, Decoded) and len(files) >= 4
    for name, outcome in ended.items():
        assert isinstance(outcome, Decoded)
        assert psnr(outcome.pixels, first.pixels) > 25, name  # turned wrongly: 8 to 15


def test_photos_damaged_at_random_end_sensibly_too(
    photos: Path, pool: Pool, tmp_path: Path
) -> None:
    """Files never seen before: real ones with bytes overwritten, cut off or repeated."""
    seed = random.randrange(1 << 32)  # printed when the test fails
    print("seed", seed)
    chance = random.Random(seed)
    whole = [f for f in sorted((photos / "zoo").iterdir()) if 500 < f.stat().st_size < 90_000]
    files = []
    for number in range(100):
        origin = chance.choice(whole)
        data = bytearray(origin.read_bytes())
        for _ in range(chance.randrange(1, 12)):
            start = int(len(data) * chance.random() ** 2)  # headers matter most
            data[start : start + 4] = chance.randbytes(chance.choice((0, 4, 4, 4, 64)))
        file = tmp_path / f"{number}{origin.suffix}"
        write(file, bytes(data[: chance.choice((len(data), len(data) // 2))]))
        files.append(file)
    pool.decode(bytes(whole[0]), SHAPE, urgent=True).exception(SOON)
    before = set(pool.pids)
    ended = outcomes(pool, files)
    codes = Counter(o.code for o in ended.values() if isinstance(o, DecodeFailed))
    assert not codes.keys() - SENSIBLE - {"memory"}, codes
    assert before <= set(pool.pids)
