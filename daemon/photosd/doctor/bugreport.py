"""The bug report: logs, versions, status and findings in one archive, without personal data."""

from __future__ import annotations

import importlib.metadata
import io
import json
import platform
import re
import sys
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

import photosd
from photosd.core import machine
from photosd.core.errors import PhotosdError
from photosd.core.paths import Home
from photosd.core.socketpath import expanded
from photosd.doctor.checks import run_checks
from photosd.doctor.context import CheckContext
from photosd.doctor.crashes import reports_of_system
from photosd.doctor.redaction import Redactor
from photosd.service.selection import this_service
from photosd.service.service_spec import ServiceError

LOG_BYTES = 4 << 20  # of each log file, its end
README = """\
A photosd bug report, made by `photosd bugreport`.

Paths, file names, queries, and the names of user and machine are replaced: <folder 1>/3fa9c1d2.jpg
stands for one photo of the first folder, wherever it appears. No photo and no vector is in here.
Review it before you send it.
"""


def make_report(home: Home) -> tuple[list[str], bytes]:
    """Write the archive (gzipped tar); returns the names of its files."""
    context = CheckContext(home)
    redactor = _redactor(context)
    names, archive = [], io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        for name, text in _parts(context, redactor):
            data = text.encode("utf-8", "backslashreplace")
            entry = tarfile.TarInfo(f"photosd-bugreport/{name}")
            entry.size, entry.mtime, entry.mode = len(data), int(time.time()), 0o600
            tar.addfile(entry, io.BytesIO(data))
            names.append(name)
    return names, archive.getvalue()


def _redactor(context: CheckContext) -> Redactor:
    home = context.home
    own = {
        "config": home.config,
        "state": home.state,
        "models": home.models,
        "runtime": home.runtime,
        "home": expanded("~"),
    }
    return Redactor(own, _folders(context))


def _folders(context: CheckContext) -> list[str]:
    """The watched folders, from the daemon or from the list on disk."""
    found = [folder["path"] for folder in context.status["folders"]] if context.status else []
    try:
        kept = json.loads((context.home.config / "folders.json").read_text())
        found += [entry["path"] for entry in kept]
    except (OSError, ValueError, KeyError, TypeError):
        pass  # the doctor's findings report it
    return list(dict.fromkeys(found))


def _parts(context: CheckContext, redactor: Redactor) -> Iterator[tuple[str, str]]:
    yield "README.txt", README
    yield "versions.json", _json(_versions(), redactor)
    yield "status.json", _json(context.status or _why_no_status(context), redactor)
    shown = ("check", "verdict", "says", "remedy", "details")
    findings = [{name: getattr(f, name) for name in shown} for f in run_checks(context.home)]
    yield "doctor.json", _json(findings, redactor)
    yield "settings.json", _json(msgspec.to_builtins(context.settings), redactor)
    log = context.home.log
    for file in (log, *(log.with_name(f"{log.name}.{number}") for number in (1, 2, 3))):
        if file.is_file():
            lines = _end(file).splitlines()
            yield f"logs/{file.name}", "".join(redactor.line(line) + "\n" for line in lines)
    for file in (context.home.stacks, log.with_name("launchd.log")):
        if file.is_file():
            yield f"logs/{file.name}", redactor.text(_end(file))
    for report in reports_of_system(context):
        plain = _end(report.file).replace("\\/", "/")  # JSON of macOS escapes slashes
        yield f"crashes/{report.process}.ips", redactor.text(plain)
    try:
        units = [file for file in this_service().files() if file.is_file()]
    except ServiceError:
        units = []
    for file in units:
        yield f"service/{file.name}", redactor.text(file.read_text("utf-8", "replace"))


def _why_no_status(context: CheckContext) -> dict[str, object]:
    return context.hello.as_dict() if isinstance(context.hello, PhotosdError) else {}


def _versions() -> dict[str, object]:
    """Versions of photosd, Python, the system and every dependency."""
    libraries = {}
    try:
        wanted = importlib.metadata.requires("photosd") or []
    except importlib.metadata.PackageNotFoundError:
        wanted = []
    for requirement in wanted:
        name = re.split(r"[^\w.-]", requirement, maxsplit=1)[0]
        try:
            libraries[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            libraries[name] = "not installed"
    return {
        "photosd": photosd.__version__,
        "python": sys.version,
        "system": platform.platform(),
        "machine": platform.machine(),
        "processors": machine.cores(),
        "memory_mb": machine.memory() // 1_000_000,
        "libraries": libraries,
    }


def _json(value: object, redactor: Redactor) -> str:
    plain = json.loads(json.dumps(value, default=str))
    return json.dumps(redactor.value(plain), ensure_ascii=False, indent=1) + "\n"


def _end(file: Path) -> str:
    with file.open("rb") as stream:
        stream.seek(max(0, file.stat().st_size - LOG_BYTES))
        return stream.read().decode("utf-8", "backslashreplace")
