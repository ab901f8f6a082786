"""Runs every check in order, each with a time limit; a failing check does not stop the others."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

from photosd.core.paths import Home
from photosd.doctor import crashes, files, machine, process, stores
from photosd.doctor.context import CheckContext
from photosd.doctor.finding import Finding, Findings, fault

CHECK_SECONDS = 90.0  # a million vectors on a slow disk; longer means a hang

Check = Callable[[CheckContext], Findings]

# In order of execution, named as in docs/troubleshooting.md; a check may also report findings under
# other names.
CHECKS: dict[str, Check] = {
    "environment": process.environment,
    "directories": files.directories,
    "settings": files.settings,
    "disk space": files.space,
    "socket": files.socket_file,
    "daemon": process.daemon,
    "version": process.versions,
    "model": process.encoder,
    "encode_text": process.encoding,
    "model files": files.model_files,
    "memory": machine.memory,
    "inotify": machine.watches,
    "folders": machine.folders,
    "catalog": stores.catalog,
    "index": stores.index,
    "disk": stores.disk,
    "photos": stores.failures,
    "service": process.service,
    "log": crashes.log_file,
    "crashes": crashes.crashes,
}


def run_checks(home: Home, *, cloud: bool = False) -> Iterator[Finding]:
    """Check ``home`` and its daemon; yields each finding as it is found.

    ``cloud``: also test Gemini; nothing else uses the network.
    """
    context = CheckContext(home)
    checks = CHECKS | ({"cloud": process.cloud} if cloud else {})
    for name, check in checks.items():
        yield from _bounded(name, check, context)


def _bounded(name: str, check: Check, context: CheckContext) -> list[Finding]:
    found: list[Finding] = []

    def run() -> None:
        try:
            found.extend(check(context))
        except Exception as error:  # a bug in a check is reported as a finding
            says = f"this check failed: {type(error).__name__}: {error}"
            found.append(fault(name, says, "photosd bugreport"))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(CHECK_SECONDS)
    if thread.is_alive():
        says = f"this check did not finish within {CHECK_SECONDS:.0f} s; a disk may not respond"
        return [*found, fault(name, says, "photosd folders; mount")]
    return found
