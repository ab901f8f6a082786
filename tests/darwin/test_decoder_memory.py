"""Row 8: arm64 refuses to limit a process's memory; the daemon watches decoders instead."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from tests.decode.pictures import jpeg, scene, write
from tests.faults import VARIABLE, with_faults

DECODE = """
import sys
from photosd.decode.limits import DecodeLimits, MIB
from photosd.decode.pool import Pool, Shape
pool = Pool(1, DecodeLimits(memory=256 * MIB))
pool.start()
for path in sys.argv[1:]:
    error = pool.decode(path.encode(), Shape(32)).exception(60)
    print("decoded" if error is None else f"{error.code}, retried: {error.transient}")
pool.stop()
"""


def test_a_decoder_that_takes_too_much_is_killed_and_the_photo_fails(
    mac: dict[str, str], python: Callable[..., str], tmp_path: Path
) -> None:
    """Like a MemoryError elsewhere: it is not retried; with a remedy; the next photo is decoded."""
    photos = [write(tmp_path / name, jpeg(scene())) for name in ("a.jpg", "bomb.jpg", "b.jpg")]
    # At its limit and a file's share it takes 500 MB and holds them.
    files = [{"name": "bomb.jpg", "do": "memory:500"}, {"name": "bomb.jpg", "do": "hang"}]
    orders = tmp_path / "orders.json"
    orders.write_text(json.dumps({"decode": {"files": files}}))
    path = with_faults(mac["PYTHONPATH"])
    found = python(DECODE, *map(bytes.decode, photos), PYTHONPATH=path, **{VARIABLE: str(orders)})
    assert found.splitlines() == ["decoded", "memory, retried: False", "decoded"]


def test_memory_within_the_limit_is_not_too_much(
    mac: dict[str, str], python: Callable[..., str], tmp_path: Path
) -> None:
    """100 MB for a while."""
    photo = write(tmp_path / "large.jpg", jpeg(scene()))
    files = [{"name": "*", "do": "memory:100"}, {"name": "*", "do": "slow", "seconds": 0.5}]
    orders = tmp_path / "orders.json"
    orders.write_text(json.dumps({"decode": {"files": files}}))
    path = with_faults(mac["PYTHONPATH"])
    found = python(DECODE, photo.decode(), PYTHONPATH=path, **{VARIABLE: str(orders)})
    assert found == "decoded"
