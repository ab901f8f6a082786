"""Alerts as text: their action, their counts, and parsing of their command."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from photosd.core.errors import BadRequest
from photosd.core.socketpath import expanded
from photosd_cli import paths, text

if TYPE_CHECKING:
    from photosd.protocol import replies

EXAMPLE = "photosd on receipt --exec 'cp -t /backup'"


def argv(command: str) -> list[str]:
    """Arguments of a command line, split as a shell does; the program is resolved now.

    The daemon's PATH and directory may differ. Raises BadRequest if there is none.
    """
    try:
        arguments = shlex.split(command)
    except ValueError as error:
        raise BadRequest(f"{command!r}: {error}", remedy=EXAMPLE) from error
    if not arguments:
        raise BadRequest("the command is empty", remedy=EXAMPLE)
    program = str(expanded(arguments[0]))
    found = shutil.which(program)
    if found is None:
        raise BadRequest(
            f"no such program: {text.inert(arguments[0])!r}",
            remedy="check its name, or: chmod +x PROGRAM",
        )
    whole = [str(Path(found).absolute()), *arguments[1:]]
    if any("\udc80" <= letter <= "\udcff" for argument in whole for letter in argument):
        raise BadRequest("the command is not UTF-8", remedy="give the program another name")
    return whole


def greeting(added: replies.StandingAddResult) -> str:
    """The message after saving an alert."""
    query = added["standing"]
    number = query["id"]
    done = f"Saved alert {number}" if added["new"] else f"Alert {number} exists already"
    return f"{done}. Remove it with: photosd on --remove {number}"


def described(query: replies.StandingReport) -> list[str]:
    """Lines of the list: query and action, then the last failure."""
    parts = [f"{query['id']:>3}  {text.inert(query['text'])}"]
    if query["below"]:
        parts.append(f"in {paths.shown(query['below'])}")
    parts += [_action(query), _figures(query)]
    lines = ["   ".join(parts)]
    if query["last_failure"]:
        lines.append(f"     last failure: {text.inert(query['last_failure'])}")
    if query["trouble"]:
        lines.append(f"     {text.inert(query['trouble'])}")
    return lines


def _action(query: replies.StandingReport) -> str:
    if query["kind"] == "exec":
        return f"runs {text.inert(shlex.join(query['argv']))}"
    if query["kind"] == "link":
        return f"album {paths.shown(query['directory'] or '')}"
    return {"notify": "notifies", "stream": "is printed"}[query["kind"]]


def _figures(query: replies.StandingReport) -> str:
    figures = [text.count(query["matches"], "photo")]
    if query["waiting"]:
        figures.append(f"{query['waiting']:,} waiting")
    if query["failed"]:
        figures.append(f"{query['failed']:,} failed")
    return ", ".join(figures)
