"""The service under launchd: an agent of the user. Not yet run on a Mac.

launchctl returns before launchd has finished, so each change is repeated until `launchctl print`
shows the wanted state, for a limited time.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import photosd
from photosd.core.macos import explanation
from photosd.core.socketpath import expanded
from photosd.service import launchctl, units
from photosd.service.launchctl import BACKGROUND, DESKTOP, Answer, Launchctl, LaunchdJob
from photosd.service.manager import (
    ServiceStatus,
    check_writable,
    install_file,
    refuse_foreign_files,
)
from photosd.service.service_spec import NoManager, ServiceError, ServiceSpec

# ExitTimeOut of the agent is 15 s, then launchd kills it; releasing the label takes up to 5 s.
LEAVE_SECONDS = 30.0
ENTER_SECONDS = 30.0
POLL_SECONDS = 0.1
OFTEN = 3  # runs in one session
GONE = (launchctl.NO_SUCH_PROCESS, launchctl.NO_SERVICE)
SETTINGS = "System Settings > General > Login Items & Extensions"


class Launchd:
    """photosd's agent in ~/Library/LaunchAgents."""

    def __init__(self, spec: ServiceSpec) -> None:
        self._spec = spec
        self._file = expanded("~/Library/LaunchAgents") / f"{units.LABEL}.plist"
        self._launchctl = Launchctl(units.LABEL)

    def files(self) -> dict[Path, bytes]:
        """The agent's property list, for a desktop if launchd cannot be asked."""
        try:
            session = self._launchctl.session()
        except ServiceError:
            session = DESKTOP
        return {self._file: self._content(session)}

    def check(self) -> None:
        """launchd has a session, and the agent's file would not replace another program's."""
        self._launchctl.session()
        check_writable(self._file.parent)
        self._refuse_foreign_file()

    def install(self) -> bool:
        """Idempotent; an agent with other content or in another session is replaced."""
        self._refuse_foreign_file()
        session = self._launchctl.session()
        content = self._content(session)
        changed = self._data() != content
        if changed or self._launchctl.jobs().keys() - {session}:
            self.stop()  # before the file changes: an interrupted install is repeated in full
        install_file(self._file, content)
        enabled = self._launchctl.ask("enable", self._launchctl.target(session))
        if enabled.code:
            raise enabled.error()
        self.start()
        return changed

    def uninstall(self) -> bool:
        """Stop the agent and remove its file; one that still runs without a file is stopped."""
        if not self._file.exists() and not self._launchctl.jobs():
            return False
        self._refuse_foreign_file()
        self.stop()
        self._file.unlink(missing_ok=True)
        return True

    def status(self) -> ServiceStatus:
        """State from the file and launchd."""
        data = self._data()
        jobs = list(self._launchctl.jobs().values())
        job = jobs[0] if jobs else None
        session = self._session() if data else DESKTOP
        details = [_in_protected_place(self._spec)] if data else []
        if session == BACKGROUND:
            details.append("without a desktop session: macOS shows no permission dialogs")
        return ServiceStatus(
            manager="launchd",
            installed=bool(data),
            current=data == self._content(session),
            enabled=bool(data) and not self._launchctl.disabled(session),
            state=_state(job),
            detail="; ".join(filter(None, details)),
            serves=self.serves(),
            files=[str(self._file)] if data else [],
            trouble=f"{job.runs} runs, the last one ended: {job.ended}"
            if job and job.ended and job.runs >= OFTEN
            else "",
        )

    def serves(self) -> str | None:
        """The home in the agent's file."""
        return units.served_by_agent(self._data())

    def start(self) -> None:
        """Load the agent (which starts it); restart one that is loaded and has ended."""
        session = self._session()
        # Without the directory of StandardErrorPath launchd starts nothing (EX_CONFIG).
        self._spec.home.log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        last: Answer | None = None
        for _ in _until(ENTER_SECONDS):
            job = self._launchctl.job(session)
            if job and job.running:
                return
            if job and job.leaving:
                continue
            last = self._kickstart(session) if job else self._bootstrap(session)
            if last.code == 0 or (job and last.code == launchctl.ALREADY):
                return
        raise ServiceError(
            f"launchd did not load the agent within {ENTER_SECONDS:.0f} s"
            + (f": {last.words.strip()}" if last else ""),
            remedy=f"plutil -lint '{self._file}'; allow it in {SETTINGS}; log out and in again",
        )

    def stop(self) -> None:
        """Unload the agent until the next login or `photosd start`; returns when it has gone."""
        for session in self._launchctl.jobs():
            answer = self._launchctl.ask("bootout", self._launchctl.target(session))
            passing = (0, launchctl.IN_PROGRESS, launchctl.ALREADY, launchctl.IO_ERROR, *GONE)
            if answer.code not in passing:
                raise answer.error()
            for _ in _until(LEAVE_SECONDS):
                if self._launchctl.job(session) is None:
                    break
            else:
                raise ServiceError(
                    f"launchd has not unloaded the agent after {LEAVE_SECONDS:.0f} s",
                    remedy=f"launchctl bootout {self._launchctl.target(session)}; "
                    "if it stays: log out and in again",
                )

    def _bootstrap(self, session: str) -> Answer:
        """Load it. 5, 36 and 37: the label is not released yet, or was loaded meanwhile."""
        domain = self._launchctl.domain(session)
        answer = self._launchctl.ask("bootstrap", domain, str(self._file))
        if answer.code in launchctl.NO_SESSION:
            raise NoManager(
                f"launchd cannot load it in this session ({answer.words.strip()}); "
                "it starts when you log in at the screen",
                remedy="photosd service install   (again, from this session)",
            )
        self._refuse(answer, session, passing=())
        return answer

    def _kickstart(self, session: str) -> Answer:
        """Run it now. 3 and 113: it was unloaded meanwhile."""
        answer = self._launchctl.ask("kickstart", self._launchctl.target(session))
        self._refuse(answer, session, passing=GONE)
        return answer

    def _refuse(self, answer: Answer, session: str, *, passing: tuple[int, ...]) -> None:
        """Raise ServiceError for an answer that waiting does not change."""
        if answer.code == launchctl.DISABLED:
            raise ServiceError(
                "the agent is disabled in launchd, by `launchctl disable` or in System Settings",
                remedy=f"photosd service install   (if blocked: allow it in {SETTINGS})",
            )
        transient = (0, launchctl.IO_ERROR, launchctl.IN_PROGRESS, launchctl.ALREADY)
        if answer.code not in (*transient, *passing):
            raise answer.error()

    def _content(self, session: str) -> bytes:
        return units.launchd_agent(self._spec, session)

    def _data(self) -> bytes:
        return self._file.read_bytes() if self._file.is_file() else b""

    def _session(self) -> str:
        """The session type in the agent's file."""
        return BACKGROUND if units.session_of_agent(self._data()) == BACKGROUND else DESKTOP

    def _refuse_foreign_file(self) -> None:
        refuse_foreign_files(
            [self._file], lambda file: units.served_by_agent(file.read_bytes()) is not None
        )


def _in_protected_place(spec: ServiceSpec) -> str:
    """What to know if launchd may not read the program itself; else an empty text."""
    for place in (spec.command[0], photosd.__file__):
        if explanation([place]):
            return (
                f"macOS may not let launchd read {place}; if the agent ends at once: "
                "install photosd outside Desktop, Documents, Downloads, iCloud Drive, /Volumes"
            )
    return ""


def _state(job: LaunchdJob | None) -> str:
    """``running``, ``stopping``, ``stopped`` or ``failed (exit code 78: EX_CONFIG)``."""
    if job is None:
        return "stopped"
    if job.running:
        return "running"
    if job.leaving:
        return "stopping"
    return f"failed ({job.ended})" if job.ended else "stopped"


def _until(seconds: float) -> Iterator[None]:
    """Turns with pauses between them, until the time is over."""
    end = time.monotonic() + seconds
    while True:
        yield
        if time.monotonic() > end:
            return
        time.sleep(POLL_SECONDS)
