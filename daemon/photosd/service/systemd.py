"""The service under systemd: a user's service and socket."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

from photosd.core.socketpath import expanded
from photosd.service import units
from photosd.service.manager import (
    ServiceStatus,
    call,
    check_writable,
    install_file,
    refuse_foreign_files,
)
from photosd.service.service_spec import NoManager, ServiceError, ServiceSpec

UNITS = (units.SOCKET, units.SERVICE)  # in this order: the service needs the socket
SHOWN = ("Id", "ActiveState", "SubState", "UnitFileState", "StatusText", "Result", "ExecMainStatus")
NAMESPACE_STATUS = "226"  # EXIT_NAMESPACE of systemd.exec(5)


class Systemd:
    """photosd's units in the user's own unit directory."""

    def __init__(self, spec: ServiceSpec, *, strict: bool = False) -> None:
        self._spec, self._strict = spec, strict
        base = os.environ.get("XDG_CONFIG_HOME") or expanded("~/.config")
        self._directory = Path(base) / "systemd" / "user"

    def files(self) -> dict[Path, bytes]:
        """Service, socket and, on request, the stricter drop-in."""
        filled = units.systemd_units(self._spec, strict=self._strict)
        return {self._directory / name: text.encode() for name, text in filled.items()}

    def check(self) -> None:
        """A user manager responds, and the units would not replace another program's."""
        _systemctl("show", "--property=Version")
        check_writable(self._directory)
        refuse_foreign_files(self._every(), units.written_here)

    def install(self) -> bool:
        """Idempotent; a running service is not restarted unless its units changed."""
        self.check()
        for place in (self._spec.home.config, self._spec.home.state, self._spec.home.models):
            place.mkdir(parents=True, exist_ok=True, mode=0o700)  # the drop-in allows only these
        changed = [install_file(file, content) for file, content in self.files().items()]
        if not self._strict:
            changed.append(self._drop_strict())
        if any(changed):
            _systemctl("daemon-reload")
            _systemctl("stop", *reversed(UNITS))  # the running one has the old settings
        _systemctl("enable", *UNITS)
        self.start()
        return any(changed)

    def uninstall(self) -> bool:
        """Stop and disable the units, then remove them."""
        present = [file for file in self._every() if file.exists()]
        if not present:
            return False
        refuse_foreign_files(present, units.written_here)
        _systemctl("disable", "--now", *reversed(UNITS))
        for file in present:
            file.unlink(missing_ok=True)
        self._drop_strict()
        _systemctl("daemon-reload")
        call(["systemctl", "--user", "reset-failed", *UNITS], check=False)
        shutil.rmtree(self._spec.home.answers, ignore_errors=True)
        with contextlib.suppress(OSError):  # systemd created it for the socket, and leaves it
            self._spec.home.runtime.rmdir()
        return True

    def status(self) -> ServiceStatus:
        """State from the files and, if available, the user manager."""
        found = [file for name in UNITS if (file := self._directory / name).is_file()]
        try:
            shown = self.show()
        except ServiceError as error:
            shown, trouble = {}, str(error)
        else:
            trouble = ""
        of_service, of_socket = shown.get(units.SERVICE, {}), shown.get(units.SOCKET, {})
        enabled = all(unit.get("UnitFileState") == "enabled" for unit in (of_service, of_socket))
        return ServiceStatus(
            manager="systemd",
            installed=len(found) == len(UNITS),
            current=self._current(),
            enabled=enabled,
            state=_state(of_service, of_socket),
            detail=trouble or of_service.get("StatusText", ""),
            serves=self.serves(),
            files=[str(file) for file in found],
        )

    def serves(self) -> str | None:
        """The home in the service's unit."""
        service = self._directory / units.SERVICE
        return (
            units.served_by_unit(service.read_text("utf-8", "replace"))
            if service.is_file()
            else None
        )

    def start(self) -> None:
        """The socket first; failure counters are reset."""
        call(["systemctl", "--user", "reset-failed", *UNITS], check=False)
        _systemctl("start", units.SOCKET)
        if not self._spec.home.socket.exists():  # it was removed while systemd listened
            _systemctl("stop", *UNITS)
        try:
            _systemctl("start", *UNITS)
        except NoManager:
            raise
        except ServiceError as error:
            raise self._why_not(error) from error

    def stop(self) -> None:
        """The socket as well: else the next client would start the service again."""
        _systemctl("stop", *UNITS)

    def _why_not(self, error: ServiceError) -> ServiceError:
        """Why the service did not start, in more detail than systemctl."""
        service = self.show().get(units.SERVICE, {})
        status = service.get("ExecMainStatus")
        if status == NAMESPACE_STATUS:
            return ServiceError(
                "the strict sandbox cannot be set up here: there are no user namespaces",
                remedy="photosd service install   (without --strict)",
            )
        ended = f"it ended: {service.get('Result')}, exit code {status}"
        return ServiceError(f"{error}\n{ended}", remedy="photosd doctor; photosd logs")

    def _every(self) -> list[Path]:
        """Every file that may have been written here."""
        return [self._directory / name for name in (*UNITS, units.STRICT)]

    def _current(self) -> bool:
        strict = (self._directory / units.STRICT).is_file()
        wanted = Systemd(self._spec, strict=strict).files()
        return all(f.is_file() and f.read_bytes() == content for f, content in wanted.items())

    def _drop_strict(self) -> bool:
        """Remove our drop-in; the user's drop-ins stay."""
        file = self._directory / units.STRICT
        had_one = file.is_file()
        file.unlink(missing_ok=True)
        if file.parent.is_dir() and not any(file.parent.iterdir()):
            file.parent.rmdir()
        return had_one

    def show(self) -> dict[str, dict[str, str]]:
        """Properties of the units by name."""
        printed = _systemctl("show", f"--property={','.join(SHOWN)}", *UNITS)
        blocks = [
            dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
            for block in printed.strip().split("\n\n")
        ]
        return {block["Id"]: block for block in blocks if "Id" in block}


def _systemctl(*arguments: str) -> str:
    return call(["systemctl", "--user", *arguments])


def _state(service: dict[str, str], socket: dict[str, str]) -> str:
    """``running``, ``waiting for a client``, ``failed (watchdog)``, ``stopped`` or so."""
    if not service:
        return "unknown"
    if service.get("ActiveState") == "failed":
        return f"failed ({service.get('Result')})"
    if socket.get("ActiveState") == "failed":
        return f"failed ({socket.get('Result')})"
    if service.get("ActiveState") in ("active", "activating", "reloading"):
        return "running" if service.get("SubState") == "running" else str(service.get("SubState"))
    return "waiting for a client" if socket.get("ActiveState") == "active" else "stopped"
