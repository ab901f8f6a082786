"""A decoder that a hostile photo has taken over: what it can take is bounded."""

from __future__ import annotations

import subprocess
import sys

import pytest

from photosd.decode.__main__ import ADDRESSES_BESIDES
from photosd.decode.limits import MIB, DecodeLimits

LIMITS = DecodeLimits(memory=768 * MIB)
PRELUDE = f"""
import os, resource, sys, tempfile
from photosd.decode.__main__ import limit_resources
from photosd.decode.limits import DecodeLimits
limit_resources(DecodeLimits(memory={LIMITS.memory}))
"""
IN_PIECES = """
taken = []
try:
    while True:
        taken.append(bytearray(os.urandom(1 << 20) * 16))
except MemoryError:
    print(len(taken) * 16)
    del taken
"""
OPEN = """
held = []
try:
    while True:
        held.append(os.open("/dev/null", os.O_RDONLY))
except OSError as error:
    print(len(held))
"""
WRITE = """
file = tempfile.TemporaryFile()
written = 0
try:
    while True:
        written += file.write(bytes(1 << 20))
        file.flush()
except OSError as error:
    print(written >> 20)
"""


def says(code: str) -> str:
    """What this code prints where decoders work."""
    ran = subprocess.run(
        [sys.executable, "-c", PRELUDE + code],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


@pytest.mark.skipif(sys.platform != "linux", reason="macOS does not bound addresses")
def test_memory_is_refused_before_the_machine_is_short_of_it() -> None:
    """At once, and piece by piece; never more than the limit and what libraries reserve."""
    most = (LIMITS.memory + LIMITS.file_bytes + ADDRESSES_BESIDES) // MIB
    assert int(says(IN_PIECES)) <= most
    assert says("try:\n    bytearray(16 << 30)\nexcept MemoryError:\n    print('no')") == "no"


def test_few_files_are_opened_and_little_is_written() -> None:
    assert int(says(OPEN)) <= 64
    assert int(says(WRITE)) <= 17
