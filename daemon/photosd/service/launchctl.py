"""launchctl: its exit codes, and what `launchctl print` says about a job."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from photosd.service.manager import run_tool, tool_failed
from photosd.service.service_spec import NoManager, ServiceError

CALL_SECONDS = 30.0
# Exit codes below 107 are those of errno.h; `launchctl error CODE` explains the others.
NO_SUCH_PROCESS = 3
IO_ERROR = 5  # also: the label is loaded, or its removal is not finished
IN_PROGRESS = 36
ALREADY = 37
NO_DOMAIN = 112
NO_SERVICE = 113
DISABLED = 119
UNSUPPORTED = 125  # the domain exists only while the user is logged in at the screen
WRONG_SESSION = 134
NO_SESSION = (NO_DOMAIN, UNSUPPORTED, WRONG_SESSION)

DESKTOP, BACKGROUND = "Aqua", "Background"  # session types of launchd.plist(5)
DOMAINS = {DESKTOP: "gui", BACKGROUND: "user"}


@dataclass(frozen=True)
class LaunchdJob:
    """A loaded job. ``ended``: how its last run ended, "" if well or never."""

    domain: str
    state: str
    pid: int | None
    runs: int
    ended: str

    @property
    def running(self) -> bool:
        """Whether it has a process that is not being stopped."""
        return not self.leaving and (self.state == "running" or self.pid is not None)

    @property
    def leaving(self) -> bool:
        """Whether launchd is stopping it: "SIGTERMed" or "SIGKILLed"."""
        return self.state.startswith("SIG")


@dataclass(frozen=True)
class Answer:
    """Exit code and message of one call: its stdout if it succeeded, else its stderr."""

    command: tuple[str, ...]
    code: int
    words: str

    def error(self) -> ServiceError:
        """The failed call as an error."""
        return tool_failed(self.command, self.words, self.code)


class Launchctl:
    """Calls about one label, in this user's domains."""

    def __init__(self, label: str) -> None:
        self._label = label

    def ask(self, verb: str, *arguments: str) -> Answer:
        """Make one call; raises NoManager without launchctl, ServiceError if it hangs."""
        command = ("launchctl", verb, *arguments)
        done = run_tool(command, seconds=CALL_SECONDS)
        said = done.stdout if done.returncode == 0 else done.stderr or done.stdout
        return Answer(command, done.returncode, said)

    def domain(self, session: str) -> str:
        """``gui/501`` for the desktop, ``user/501`` for sessions without one."""
        return f"{DOMAINS[session]}/{os.getuid()}"

    def target(self, session: str) -> str:
        """The label in its domain."""
        return f"{self.domain(session)}/{self._label}"

    def session(self) -> str:
        """The type of session that agents can be loaded into now, a desktop if there is one.

        Raises NoManager if there is none.
        """
        for session in DOMAINS:
            answer = self.ask("print", self.domain(session))
            if answer.code == 0:
                return session
        raise NoManager(
            f"launchd has no session for this user: {answer.words.strip()}",
            remedy="log in as this user directly (not by su or sudo)",
        )

    def job(self, session: str) -> LaunchdJob | None:
        """The job if it is loaded. Like all questions it raises what `ask` raises."""
        answer = self.ask("print", self.target(session))
        return parsed(self.domain(session), answer.words) if answer.code == 0 else None

    def jobs(self) -> dict[str, LaunchdJob]:
        """Loaded jobs of this label by session type; at most one unless something went wrong."""
        found = {session: self.job(session) for session in DOMAINS}
        return {session: job for session, job in found.items() if job}

    def disabled(self, session: str) -> bool:
        """Whether `launchctl disable` or System Settings switched the label off."""
        answer = self.ask("print-disabled", self.domain(session))
        # macOS 13 prints "disabled", older ones "true".
        pattern = rf'^\s*"{re.escape(self._label)}" => (disabled|true)$'
        return answer.code == 0 and re.search(pattern, answer.words, re.MULTILINE) is not None


def parsed(domain: str, printed: str) -> LaunchdJob:
    """The job in what `launchctl print` printed; launchd(8) does not promise a format."""
    # One tab: nested blocks have a "state" of their own.
    fields = dict(re.findall(r"^\t([a-z ]+) = (.*)$", printed, re.MULTILINE))
    pid, runs = fields.get("pid", ""), fields.get("runs", "")
    return LaunchdJob(
        domain,
        fields.get("state", "").strip(),
        int(pid) if pid.isdigit() else None,
        int(runs) if runs.isdigit() else 0,
        _ended(fields),
    )


def _ended(fields: dict[str, str]) -> str:
    """``exit code 78: EX_CONFIG`` or ``Killed: 9``; "" if it ended well or never."""
    if signal := fields.get("last terminating signal"):
        return signal.strip()
    code = fields.get("last exit code", "").strip()
    # "(never exited)" of a job that never did.
    return f"exit code {code}" if re.match(r"-?[1-9]", code) else ""
