"""Row 11: little memory is free on a Mac on purpose; that only warns."""

from __future__ import annotations

from collections.abc import Callable

LITTLE_FREE = """
import psutil, types
from photosd.core import machine
GB = 1 << 30
host = machine.Host(memory=8 * GB, available={free}, cores=8)
machine.Host.ask = classmethod(lambda _: host)
"""
LOAD = """
from photosd.encoder.memory import require_memory
spec = types.SimpleNamespace(name="multilingual", weights=types.SimpleNamespace(bytes={weights}))
try:
    require_memory(spec)
    print("loads")
except Exception as error:
    print(error)
"""


def loading(python: Callable[..., str], free: int, weights: int) -> str:
    """What loading a model says on a Mac with 8 GB."""
    return python(LITTLE_FREE.format(free=free) + LOAD.format(weights=weights))


def test_a_model_loads_though_little_memory_is_free(python: Callable[..., str]) -> None:
    """1.5 GB of weights with 1 GB free of 8; refused are 8 GB of weights."""
    assert loading(python, free=1 << 30, weights=1_500_000_000) == "loads"
    assert "needs" in loading(python, free=1 << 30, weights=8 << 30)


def test_doctor_warns(python: Callable[..., str]) -> None:
    """That it will be slow, not that it is broken."""
    examine = """
from photosd.doctor import machine as checks
spec = types.SimpleNamespace(weights=types.SimpleNamespace(bytes=1_500_000_000))
checks.read_model = lambda _: spec
settings = types.SimpleNamespace(encoder=types.SimpleNamespace(memory_limit_mb=0))
context = types.SimpleNamespace(model_directory=None, status=None, settings=settings)
print([finding.verdict for finding in checks.memory(context)])
"""
    assert python(LITTLE_FREE.format(free=1 << 30) + examine) == "['warning']"


def test_a_full_swap_is_not_reported(python: Callable[..., str]) -> None:
    """A Mac makes swap when it needs it: what there is of it is always nearly full."""
    examine = """
from photosd.doctor import machine as checks
psutil.swap_memory = lambda: types.SimpleNamespace(total=GB, used=GB)
spec = types.SimpleNamespace(weights=types.SimpleNamespace(bytes=1_500_000_000))
checks.read_model = lambda _: spec
settings = types.SimpleNamespace(encoder=types.SimpleNamespace(memory_limit_mb=0))
status = {"encoder": {"pid": 7}}
context = types.SimpleNamespace(model_directory=None, status=status, settings=settings)
print([finding.verdict for finding in checks.memory(context)])
"""
    assert python(LITTLE_FREE.format(free=1 << 30) + examine) == "['ok']"


def test_the_footprint_is_the_kernels(python: Callable[..., str]) -> None:
    """Memory that no file holds, as Activity Monitor shows it."""
    grow = """
import os
from photosd.core.process_memory import footprint
before = footprint(os.getpid())
ballast = bytearray(os.urandom(1 << 20) * 64)
print(round((footprint(os.getpid()) - before) / (1 << 20)))
"""
    assert 60 <= int(python(grow)) <= 70
