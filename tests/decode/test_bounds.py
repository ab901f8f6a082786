"""Every file of phones, cameras and programs is read within the limits of a decoder."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from photosd.decode import lane
from photosd.decode.decode_errors import DecodeFailed
from photosd.decode.limits import MIN_MEMORY, DecodeLimits
from photosd.decode.pool import Pool, Shape
from tests.decode.waiting import Make

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

SHAPE = Shape(224)
SOON = 600.0
# Refused with these codes: no pictures, broken ones, and formats that nothing here reads.
REFUSED = {
    "not_a_picture", "damaged", "truncated", "empty", "unsupported", "raw_without_preview",
    "jxl_without_reader", "too_large",
}  # fmt: skip
PEAK, RESET = "VmHWM:", "5"  # of a process, see proc(5)


@pytest.fixture(autouse=True)
def _long_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    """A decoder that has nothing to do stays."""
    monkeypatch.setattr(lane, "IDLE_SECONDS", 3600.0)


def files_of(photos: Path) -> list[Path]:
    """All of phones and of the zoo."""
    found = [one for place in ("phones", "zoo") for one in sorted((photos / place).iterdir())]
    return [one for one in found if one.is_file() and one.suffix != ".csv"]


def ended(pool: Pool, file: Path, *, full: bool) -> str:
    """Empty if it was decoded, else the code of the reason."""
    error = pool.decode(bytes(file), SHAPE, urgent=True, full=full).exception(SOON)
    if error is None:
        return ""
    assert isinstance(error, DecodeFailed), (file.name, error)
    assert error.reason and error.remedy, file.name
    return error.code


def peak(pid: int) -> int:
    """The most memory that a process has had since the last look, in bytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith(PEAK))
    Path(f"/proc/{pid}/clear_refs").write_text(RESET)
    return int(line.split()[1]) << 10


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_memory_is_bounded_for_every_file(photos: Path, make: Make, full: bool) -> None:
    """By the limit of the smallest machine, what the file itself takes included; and each file is
    decoded, or refused with a reason.
    """
    pool = make(memory=MIN_MEMORY)
    files, most = files_of(photos), dict[str, int]()
    ended(pool, files[0], full=full)
    (pid,) = pool.pids
    bare = peak(pid)
    for file in files:
        code = ended(pool, file, full=full)
        assert code in REFUSED | {""}, (file.name, code)
        assert pool.pids == [pid], file.name
        most[file.name] = peak(pid) - bare
    largest = sorted(most, key=lambda name: -most[name])[:5]
    print(bare >> 20, {name: most[name] >> 20 for name in largest})
    assert most[largest[0]] < MIN_MEMORY + DecodeLimits(memory=MIN_MEMORY).file_bytes
