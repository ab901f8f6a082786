"""The examination: every check in order, each bounded, none able to spoil the others."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

from photosd.core.paths import Home
from photosd.doctor import clouds, crashes, machine, model_files, places, process, services, stores
from photosd.doctor.finding import Finding, Findings, fault
from photosd.doctor.patient import Patient

CHECK_SECONDS = 90.0  # a million vectors on a slow disk; more means that something hangs

Check = Callable[[Patient], Findings]

# In this order, under the names that docs/troubleshooting.md explains; a check may have findings of
# more names than that of its first.
CHECKS: dict[str, Check] = {
    "environment": process.environment,
    "directories": places.directories,
    "settings": places.settings,
    "disk space": places.space,
    "socket": places.socket_file,
    "daemon": process.daemon,
    "version": process.versions,
    "model": process.encoder,
    "encode_text": process.encoding,
    "model files": model_files.model_files,
    "memory": machine.memory,
    "inotify": machine.watches,
    "folders": machine.folders,
    "catalog": stores.catalog,
    "index": stores.index,
    "disk": stores.disk,
    "photos": stores.failures,
    "service": services.service,
    "log": crashes.log_file,
    "crashes": crashes.crashes,
}


def examine(home: Home, *, cloud: bool = False) -> Iterator[Finding]:
    """What there is to say about ``home`` and its daemon, each finding as it is found.

    ``cloud``: try Gemini, too; nothing else uses the network.
    """
    patient = Patient(home)
    checks = CHECKS | ({"cloud": clouds.cloud} if cloud else {})
    for name, check in checks.items():
        yield from _bounded(name, check, patient)


def _bounded(name: str, check: Check, patient: Patient) -> list[Finding]:
    found: list[Finding] = []

    def run() -> None:
        try:
            found.extend(check(patient))
        except Exception as error:  # a defect in a check is a finding as well
            says = f"this check failed: {type(error).__name__}: {error}"
            found.append(fault(name, says, "photosd bugreport"))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(CHECK_SECONDS)
    if thread.is_alive():
        says = f"this check has not ended in {CHECK_SECONDS:.0f} s; does a disk not answer?"
        return [*found, fault(name, says, "photosd folders; mount")]
    return found
