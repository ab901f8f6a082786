"""Fills in the units: templates from systemd/ and launchd/ with this machine's paths."""

from __future__ import annotations

import plistlib
import re
from pathlib import Path
from xml.parsers.expat import ExpatError

import photosd
from photosd.service.service_spec import ServiceError, ServiceSpec

SERVICE, SOCKET, STRICT = "photosd.service", "photosd.socket", "photosd.service.d/strict.conf"
LABEL = "org.photosd.daemon"
MARK = "[X-Photosd]"  # systemd ignores sections that begin with X-
SERVES = "PHOTOSD_SERVES"
HEADER = """\
# Written by `photosd service install`, which may overwrite it. For your own changes:
#   systemctl --user edit {name}
"""


def template(name: str) -> str:
    """A template, such as ``systemd/photosd.service``: in the package or the checkout."""
    package = Path(photosd.__file__).parent
    for root in (package / "_templates", package.parents[1]):
        if (root / name).is_file():
            return (root / name).read_text()
    raise ServiceError(f"the template {name} is missing", remedy="install photosd again")


def systemd_units(spec: ServiceSpec, *, strict: bool) -> dict[str, str]:
    """The units by file name (relative to the user's unit directory)."""
    spec.check()
    units = {SERVICE: _service(spec), SOCKET: _socket(spec)}
    if strict:
        units[STRICT] = _strict(spec)
    return {name: _headed(name, text) for name, text in units.items()}


def launchd_agent(spec: ServiceSpec, session: str) -> bytes:
    """The agent as a property list, for one of the session types of launchd.plist(5)."""
    spec.check()
    agent = plistlib.loads(template(f"launchd/{LABEL}.plist").encode())
    agent["ProgramArguments"] = list(spec.command)
    agent["LimitLoadToSessionType"] = session
    agent["EnvironmentVariables"] |= {**spec.environment, SERVES: spec.serves}
    agent["StandardErrorPath"] = str(spec.home.log.with_name("launchd.log"))
    return plistlib.dumps(agent, sort_keys=False)


def written_here(unit: Path) -> bool:
    """Whether a unit was written by `photosd service install`."""
    return HEADER.partition(",")[0] in unit.read_text("utf-8", "replace")


def served_by_unit(text: str) -> str | None:
    """The home of a unit written here; None for other units."""
    _, mark, section = text.partition(f"\n{MARK}\n")
    found = re.search(r"^Home=(.*)$", section, re.MULTILINE) if mark else None
    return found[1] if found else None


def served_by_agent(data: bytes) -> str | None:
    """The same for an agent."""
    environment = _agent(data).get("EnvironmentVariables")
    served = environment.get(SERVES) if isinstance(environment, dict) else None
    return served if isinstance(served, str) else None


def session_of_agent(data: bytes) -> str | None:
    """The session type in an agent."""
    session = _agent(data).get("LimitLoadToSessionType")
    return session if isinstance(session, str) else None


def _agent(data: bytes) -> dict[str, object]:
    """The content of a property list; empty if it is not one."""
    try:
        agent = plistlib.loads(data)
    except (plistlib.InvalidFileException, ValueError, ExpatError):
        return {}
    return agent if isinstance(agent, dict) else {}


def _service(spec: ServiceSpec) -> str:
    # ":" keeps systemd from expanding "$" as a variable.
    program, *arguments = spec.command
    through = (
        "/usr/bin/env " if set(program) & set("\"'\\") else ""
    )  # systemd allows no quotes there
    lines = [f":{through}{_quoted(program)} {' '.join(arguments)}"]
    lines += [f"Environment={_quoted(f'{k}={v}')}" for k, v in spec.environment.items()]
    text = _set(template(f"systemd/{SERVICE}"), "ExecStart", "\n".join(lines))
    return f"{text}\n{MARK}\nHome={spec.serves}\n"


def _socket(spec: ServiceSpec) -> str:
    text = template(f"systemd/{SOCKET}")
    if spec.socket is None:
        return text
    return _set(text, "ListenStream", str(spec.socket).replace("%", "%%"))


def _strict(spec: ServiceSpec) -> str:
    home = spec.home
    places = [home.config, home.state, home.models, home.runtime, Path("/tmp"), Path("/var/tmp")]  # noqa: S108
    paths = " ".join(_quoted(f"-{place}") for place in places)
    return _set(template("systemd/strict.conf"), "ReadWritePaths", f"%t {paths}")


def _headed(name: str, text: str) -> str:
    """The template's head describes the template; its other comments stay."""
    body = text[text.index("\n[") + 1 :]
    return f"{HEADER.format(name=name.partition('.d/')[0])}\n{body}"


def _set(text: str, key: str, value: str) -> str:
    changed, count = re.subn(rf"(?m)^{key}=.*$", lambda _: f"{key}={value}", text)
    if count != 1:
        raise ServiceError(f"a template has {count} lines {key}=", remedy="install photosd again")
    return changed


def _quoted(text: str) -> str:
    """Quotes a word for a unit file (systemd.syntax(7))."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'
