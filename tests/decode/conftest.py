"""Fixtures for the decoders: where child processes find photosd, a pool, faults on order."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from photosd.decode import opening
from photosd.decode.limits import DecodeLimits
from photosd.decode.pool import Pool
from tests.decode.pictures import LIMITS, jpeg, scene, write
from tests.decode.waiting import Make
from tests.faults import PLACE, VARIABLE

ROOT = Path(__file__).parent.parent.parent

Order = Callable[..., None]


@pytest.fixture(autouse=True, scope="session")
def _findable() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT / "daemon"), prepend=os.pathsep)
        yield


@pytest.fixture(autouse=True, scope="session")
def _configured() -> None:
    """Tests that decode in this process do it as a decoder would."""
    opening.configure(LIMITS)


@pytest.fixture
def order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Order:
    """Order faults of decoders that start from now on; the latest order holds."""
    file = tmp_path / "faults.json"
    monkeypatch.setenv(VARIABLE, str(file))
    monkeypatch.setenv("PYTHONPATH", PLACE, prepend=os.pathsep)

    def place(*files: dict[str, object], start: str | None = None) -> None:
        fresh = file.with_suffix(".new")
        fresh.write_bytes(msgspec.json.encode({"decode": {"start": start, "files": files}}))
        fresh.replace(file)

    place()
    return place


@pytest.fixture
def make() -> Iterator[Make]:
    """Makes pools of one worker with these limits, and stops them."""
    pools: list[Pool] = []

    def start(workers: int = 1, **limits: float) -> Pool:
        made = Pool(workers, DecodeLimits(**limits))  # type: ignore[arg-type]
        made.start()
        pools.append(made)
        return made

    yield start
    for made in pools:
        made.stop()


@pytest.fixture
def photo(tmp_path: Path) -> bytes:
    """A sound photo."""
    return write(tmp_path / "photo.jpg", jpeg(scene()))


@pytest.fixture(scope="session")
def pool(_findable: None) -> Iterator[Pool]:
    """Two background decoders and the urgent one; a busy machine is no reason to give up a file."""
    shared = Pool(2, DecodeLimits(decode_seconds=90, raw_seconds=90))
    shared.start()
    yield shared
    shared.stop()
