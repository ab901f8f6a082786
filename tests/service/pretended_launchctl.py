"""Stands in for launchctl and launchd: real exit codes, `print`'s format, jobs that really run.

`launchctl` returns before launchd has finished, as Apple's does. A loaded job has a supervisor,
this module again, which runs the program, starts it again after a failure and takes its time to
leave. It needs nothing but the standard library, because it runs with `python -I -S`.

    absent -> bootstrap -> running <-> not running, spawn scheduled (throttled)
    loaded -> bootout -> SIGTERMed (-> SIGKILLed) -> absent, but bootstrap fails with 5 for a while
"""

from __future__ import annotations

import contextlib
import json
import os
import plistlib
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

POLL_SECONDS = 0.01
WORDS = {
    3: "No such process",
    5: "Input/output error",
    36: "Operation now in progress",
    37: "Operation already in progress",
    112: "Could not find specified domain",
    113: "Could not find specified service",
    119: "Service is disabled",
    122: "Path had bad ownership/permissions",
    125: "Domain does not support specified action",
    134: "Service cannot load in requested session",
    150: "Operation not permitted while System Integrity Protection is engaged",
}
NAMES = {64: "EX_USAGE", 70: "EX_SOFTWARE", 78: "EX_CONFIG"}
SESSIONS = {"gui": "Aqua", "user": "Background"}
# What `launchctl print` shows of a job, shortened; the tabs and nested blocks are launchd's.
PRINTED = """\
{target} = {{
	active count = {active}
	path = {path}
	type = LaunchAgent
	state = {state}

	program = {program}
	arguments = {{
{arguments}
	}}

	default environment = {{
		PATH => /usr/bin:/bin:/usr/sbin:/sbin
	}}

	domain = {domain}
	asid = 100012
	minimum runtime = {throttle}
	exit timeout = {timeout}
	runs = {runs}
{pid}	immediate reason = speculative
	forks = 0
	execs = {runs}
	last exit code = {code}
{signal}
	resource coalition = {{
		ID = 1234
		type = resource
		state = active
		active count = 1
		name = {label}
	}}

	spawn type = daemon (3)
	properties = keepalive | runatload | inferred program
}}"""


class Place:
    """The directory with the settings and the jobs of a pretended launchd."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.settings: dict[str, Any] = json.loads((directory / "settings.json").read_text())

    def job_file(self, target: str) -> Path:
        return self.directory / "jobs" / f"{target.replace('/', '!')}.json"

    def job(self, target: str) -> dict[str, Any] | None:
        try:
            job: dict[str, Any] = json.loads(self.job_file(target).read_text())
        except FileNotFoundError:
            return None
        return job

    def busy_file(self, target: str) -> Path:
        """Names the moment until which the label is not released."""
        return self.job_file(target).with_suffix(".busy")

    def busy(self, target: str) -> bool:
        file = self.busy_file(target)
        return file.exists() and float(file.read_text()) > time.time()

    def disabled(self) -> set[str]:
        file = self.directory / "disabled.json"
        return set(json.loads(file.read_text())) if file.exists() else set()

    def set_disabled(self, targets: set[str]) -> None:
        write(self.directory / "disabled.json", sorted(targets))


def write(file: Path, content: object) -> None:
    """Atomically, since others read it at any time."""
    draft = file.with_suffix(f".{os.getpid()}")
    draft.write_text(json.dumps(content))
    draft.replace(file)


def fail(code: int, words: str) -> NoReturn:
    print(words, file=sys.stderr)
    if code == 5:
        print("Try re-running the command as root for richer errors.", file=sys.stderr)
    sys.exit(code)


def split(target: str) -> tuple[str, str]:
    """Domain and label of a target."""
    kind, uid, *label = target.split("/", 2)
    return f"{kind}/{uid}", "".join(label)


def domain_exists(place: Place, domain: str) -> bool:
    kind, _, uid = domain.partition("/")
    return uid == str(os.getuid()) and bool(place.settings.get(kind))


def no_domain(domain: str) -> NoReturn:
    kind, _, uid = domain.partition("/")
    fail(112, f"Bad request.\nCould not find domain for user {kind}: {uid}")


def no_service(label: str, domain: str) -> NoReturn:
    kind, _, uid = domain.partition("/")
    fail(113, f'Bad request.\nCould not find service "{label}" in domain for user {kind}: {uid}')


def do_print(place: Place, target: str) -> None:
    domain, label = split(target)
    if not domain_exists(place, domain):
        no_domain(domain)
    if not label:
        print(f"{domain} = {{\n\ttype = user\n\thandle = 100012\n\tactive count = 300\n}}")
        return
    job = place.job(target)
    if job is None:
        no_service(label, domain)
    agent = job["agent"]
    code = job["code"]
    name = "" if code not in NAMES else f": {NAMES[code]}"
    print(
        PRINTED.format(
            target=target,
            active=int(job["pid"] is not None),
            path=job["path"],
            state=job["state"],
            program=agent["ProgramArguments"][0],
            arguments="\n".join(f"\t\t{word}" for word in agent["ProgramArguments"]),
            domain=f"{domain} [100012]",
            throttle=agent.get("ThrottleInterval", 10),
            timeout=agent.get("ExitTimeOut", 5),
            runs=job["runs"],
            pid="" if job["pid"] is None else f"\tpid = {job['pid']}\n",
            code="(never exited)" if code is None else f"{code}{name}",
            signal=f"\tlast terminating signal = {job['signal']}\n" if job["signal"] else "",
            label=label,
        )
    )


def do_print_disabled(place: Place, domain: str) -> None:
    if not domain_exists(place, domain):
        no_domain(domain)
    print("disabled services = {")
    for target in sorted(place.disabled()):
        if split(target)[0] == domain:
            print(f'\t\t"{split(target)[1]}" => disabled')
    print("}")


def do_bootstrap(place: Place, domain: str, path: str) -> None:
    if not domain_exists(place, domain):
        fail(125, f"Bootstrap failed: 125: {WORDS[125]}")
    try:
        agent = plistlib.loads(Path(path).read_bytes())
        label = agent["Label"]
    except (OSError, ValueError, KeyError, plistlib.InvalidFileException):
        fail(5, f"Bootstrap failed: 5: {WORDS[5]}")
    target = f"{domain}/{label}"
    sessions = agent.get("LimitLoadToSessionType", "Aqua")
    code = 0
    if Path(path).stat().st_mode & 0o022:
        code = 122
    elif target in place.disabled():
        code = 119
    elif SESSIONS[domain.partition("/")[0]] not in (
        [sessions] if isinstance(sessions, str) else sessions
    ):
        code = 134
    elif place.job(target) is not None or place.busy(target):
        code = 5
    if code:
        fail(code, f"Bootstrap failed: {code}: {WORDS[code]}")
    job = {"agent": agent, "path": path, "state": "not running", "pid": None, "runs": 0,
           "code": None, "signal": None, "supervisor": None}  # fmt: skip
    write(place.job_file(target), job)
    subprocess.Popen(
        [sys.executable, "-I", "-S", __file__, str(place.directory), "supervise", target],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        cwd="/",
    )
    wait_for_supervisor(place, target)


def wait_for_supervisor(place: Place, target: str) -> None:
    for _ in range(1000):
        job = place.job(target)
        if job is None or job["supervisor"]:
            return
        time.sleep(POLL_SECONDS)


def do_bootout(place: Place, target: str) -> None:
    domain, label = split(target)
    if label.startswith("com.apple."):
        fail(150, f"Boot-out failed: 150: {WORDS[150]}")
    if not domain_exists(place, domain):
        fail(125, f"Boot-out failed: 125: {WORDS[125]}")
    job = place.job(target)
    if job is None:
        fail(3, f"Boot-out failed: 3: {WORDS[3]}")
    leaving = job["state"].startswith("SIG")
    with contextlib.suppress(ProcessLookupError):
        os.kill(job["supervisor"], signal.SIGTERM)
    for _ in range(100):  # only until it has begun
        job = place.job(target)
        if job is None or job["state"].startswith("SIG"):
            break
        time.sleep(POLL_SECONDS)
    if leaving:
        fail(36, f"Boot-out failed: 36: {WORDS[36]}")


def do_kickstart(place: Place, *arguments: str) -> None:
    target = arguments[-1]
    domain, label = split(target)
    if not domain_exists(place, domain):
        no_domain(domain)
    job = place.job(target)
    if job is None:
        no_service(label, domain)
    if target in place.disabled():
        fail(119, f'Could not kickstart service "{label}": 119: {WORDS[119]}')
    if job["pid"] is not None and "-k" not in arguments:
        fail(37, f'Could not kickstart service "{label}": 37: {WORDS[37]}')
    os.kill(job["supervisor"], signal.SIGUSR2 if "-k" in arguments else signal.SIGUSR1)


def do_enable(place: Place, target: str) -> None:
    place.set_disabled(place.disabled() - {target})


def do_disable(place: Place, target: str) -> None:
    place.set_disabled(place.disabled() | {target})


VERBS: dict[str, Callable[..., None]] = {
    "print": do_print,
    "print-disabled": do_print_disabled,
    "bootstrap": do_bootstrap,
    "bootout": do_bootout,
    "kickstart": do_kickstart,
    "enable": do_enable,
    "disable": do_disable,
}


class Supervisor:
    """What launchd does for one loaded job."""

    def __init__(self, place: Place, target: str) -> None:
        job = place.job(target)
        assert job is not None
        self.place, self.target, self.job = place, target, job
        self.agent = job["agent"]
        self.slowness = float(place.settings["slowness"])
        self.child: subprocess.Popen[bytes] | None = None
        self.started = 0.0
        self.leave = self.kick = self.kill = False
        for number, name in (
            (signal.SIGTERM, "leave"),
            (signal.SIGUSR1, "kick"),
            (signal.SIGUSR2, "kill"),
        ):
            signal.signal(number, lambda *_, name=name: setattr(self, name, True))

    def note(self, **fields: object) -> None:
        self.job.update(fields)
        if self.place.directory.exists():
            write(self.place.job_file(self.target), self.job)

    def run(self) -> None:
        self.note(supervisor=os.getpid())
        if self.agent.get("RunAtLoad"):
            self.spawn()
        for _ in self.turns():
            if self.leave:
                break
            self.turn()
        self.go()

    def turns(self) -> Iterator[None]:
        """Until the test that owns this launchd has ended."""
        owner = int(self.place.settings["owner"])
        while self.place.directory.exists() and alive(owner):
            yield
            time.sleep(POLL_SECONDS)

    def turn(self) -> None:
        if self.child is not None and self.child.poll() is not None:
            self.ended(self.child.returncode)
        if self.kill and self.child is not None:
            self.child.kill()
            self.ended(self.child.wait())
            self.kick = True
        due = self.started + self.agent.get("ThrottleInterval", 10) * self.slowness
        scheduled = self.job["state"] == "spawn scheduled" and time.time() >= due
        if self.child is None and (self.kick or scheduled):
            self.spawn()
        self.kick = self.kill = False

    def spawn(self) -> None:
        self.started = time.time()
        log = self.agent.get("StandardErrorPath", "/dev/null")
        limit = self.agent.get("SoftResourceLimits", {}).get("NumberOfFiles", 256)
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        environment = {
            name: os.environ[name] for name in ("HOME", "LANG", *self.place.settings["keep"])
            if name in os.environ
        }  # fmt: skip
        environment["PATH"] = self.place.settings["path"]
        try:
            with Path(log).open("ab") as output:
                self.child = subprocess.Popen(
                    self.agent["ProgramArguments"],
                    env={**environment, **self.agent.get("EnvironmentVariables", {})},
                    cwd=self.agent.get("WorkingDirectory", "/"),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=output,
                    start_new_session=True,
                    umask=self.agent.get("Umask", -1),
                    preexec_fn=lambda: resource.setrlimit(
                        resource.RLIMIT_NOFILE, (min(limit, hard), hard)
                    ),
                )
        except OSError:
            self.note(runs=self.job["runs"] + 1)
            self.ended(78)
            return
        self.note(state="running", pid=self.child.pid, runs=self.job["runs"] + 1)

    def ended(self, code: int) -> None:
        self.child = None
        keep = self.agent.get("KeepAlive", False)
        if isinstance(keep, dict):
            keep = keep.get("SuccessfulExit") is (code == 0)
        words = f"{signal.strsignal(-code)}: {-code}" if code < 0 else None
        self.note(
            state="spawn scheduled" if keep else "not running",
            pid=None,
            code=self.job["code"] if code < 0 else code,
            signal=words,
        )

    def go(self) -> None:
        """SIGTERM, after the time limit SIGKILL; the label stays a little longer."""
        self.note(state="SIGTERMed")
        if self.child is not None:
            self.child.terminate()
            try:
                self.child.wait(self.agent.get("ExitTimeOut", 5) * self.slowness)
            except subprocess.TimeoutExpired:
                self.note(state="SIGKILLed")
                self.child.kill()
                self.child.wait()
        time.sleep(float(self.place.settings["leaves_after"]))
        if self.place.directory.exists():
            until = time.time() + float(self.place.settings["released_after"])
            self.place.busy_file(self.target).write_text(str(until))
            self.place.job_file(self.target).unlink(missing_ok=True)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def main() -> None:
    place = Place(Path(sys.argv[1]))
    verb, *arguments = sys.argv[2:]
    if verb == "supervise":
        Supervisor(place, arguments[0]).run()
        return
    with (place.directory / "calls").open("a") as calls:
        calls.write(" ".join([verb, *arguments]) + "\n")
    time.sleep(float(place.settings["latency"]))
    if verb not in VERBS:
        fail(64, f"Unrecognized subcommand: {verb}")
    VERBS[verb](place, *arguments)


class PretendedLaunchd:
    """A launchd of the test's own: put ``bin`` first on PATH.

    ``gui``: whether the user is logged in at the screen. ``slowness`` scales the agent's seconds.
    """

    def __init__(self, directory: Path, *, gui: bool = True, user: bool = True) -> None:
        self.directory = directory
        (directory / "jobs").mkdir(parents=True)
        self.bin = directory / "bin"
        self.bin.mkdir()
        script = self.bin / "launchctl"
        script.write_text(
            f'#!/bin/sh\nexec "{sys.executable}" -I -S "{__file__}" "{directory}" "$@"\n'
        )
        script.chmod(0o755)
        self._settings: dict[str, object] = {
            "owner": os.getpid(),
            "latency": 0.0,
            "slowness": 0.05,
            "leaves_after": 0.2,
            "released_after": 0.3,
            "keep": [],
            "path": f"{self.bin}:/usr/bin:/bin:/usr/sbin:/sbin",
        }
        self.set(gui=gui, user=user)

    def set(self, **settings: object) -> None:
        """Change a setting, for jobs that are loaded from now on."""
        self._settings.update(settings)
        write(self.directory / "settings.json", self._settings)

    def calls(self) -> list[str]:
        """Verbs that change something, since the last time."""
        file = self.directory / "calls"
        lines = file.read_text().splitlines() if file.exists() else []
        file.unlink(missing_ok=True)
        return [verb for line in lines if not (verb := line.split()[0]).startswith("print")]

    def ask(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Call it as a person does."""
        return subprocess.run(
            [self.bin / "launchctl", *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def close(self) -> None:
        """End every job and its supervisor."""
        for file in (self.directory / "jobs").glob("*.json"):
            for name in ("supervisor", "pid"):  # in this order: it would start the job again
                with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                    if pid := json.loads(file.read_text())[name]:
                        os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.directory, ignore_errors=True)


if __name__ == "__main__":
    main()
