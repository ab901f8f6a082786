"""Runs the process that installs a model, shows its progress, returns its result."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

from photosd.core.errors import ModelError
from photosd.protocol.caller import error_of
from photosd_cli import console, text
from photosd_cli.progress import Bar

SILENCE_SECONDS = 600.0  # the longest step, on a slow disk, writes two gigabytes
TICK_SECONDS = 0.25
END_SECONDS = 10.0
OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}


def install(order: dict[str, object], label: str, *, online: bool) -> dict[str, Any]:
    """The installer's result, with its warnings shown; raises the error that it reports."""
    environment = {**os.environ, **({} if online else OFFLINE)}
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "photosd.encoder.install", json.dumps(order)],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    warnings: list[str] = []
    try:
        with Bar(label) as bar:
            for message in _messages(process, bar):
                if "result" in message:
                    found: dict[str, Any] = message["result"]
                    return found
                if "error" in message:
                    raise error_of(message["error"])
                if "warn" in message:
                    warnings.append(text.inert(message["warn"]))
        raise _died(process)
    finally:
        for warning in warnings:  # after the bar, which would overwrite them
            console.warn(warning)
        _end(process)


def _messages(process: subprocess.Popen[bytes], bar: Bar) -> Iterator[dict[str, Any]]:
    """Messages of the installer; the bar counts seconds between them."""
    words, since, heard_at = "starting", time.monotonic(), time.monotonic()
    for line in _lines(process):
        now = time.monotonic()
        if line is None:
            if now - heard_at > SILENCE_SECONDS:
                raise ModelError(
                    f"no progress for {SILENCE_SECONDS:.0f} s ({words})",
                    remedy="try again; downloaded data is kept",
                )
            bar.say(f"{words}  {now - since:.0f} s")
            continue
        heard_at = now
        message = json.loads(line)
        if "done" in message:
            words = text.inert(message["file"])
            bar.amount(words, message["done"], message["total"])
        if "say" in message:
            words, since = text.inert(message["say"]), now
            bar.say(words)
        yield message


def _lines(process: subprocess.Popen[bytes]) -> Iterator[bytes | None]:
    """Lines of its stdout until it ends; None while there is none."""
    stdout = process.stdout
    assert stdout is not None  # noqa: S101 (asked for above)
    rest = b""
    with selectors.DefaultSelector() as selector:
        selector.register(stdout, selectors.EVENT_READ)
        while True:
            if not selector.select(TICK_SECONDS):
                yield None
                continue
            if not (data := os.read(stdout.fileno(), 1 << 16)):
                return
            *lines, rest = (rest + data).split(b"\n")
            yield from lines


def _died(process: subprocess.Popen[bytes]) -> ModelError:
    """It ended without a result on stdout: use its last lines on stderr."""
    last: list[str] = []
    with contextlib.suppress(subprocess.TimeoutExpired):
        _, errors = process.communicate(timeout=END_SECONDS)
        last = [line for line in errors.decode("utf-8", "replace").splitlines() if line][-1:]
    return ModelError(
        f"installing ended unexpectedly (exit code {process.poll()})"
        + "".join(f": {text.inert(line)}" for line in last),
        remedy="close other programs, then try again",
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    """Terminate it, so that it removes partial files; kill it if it does not end."""
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
