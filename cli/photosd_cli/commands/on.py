"""`photosd on`: alerts for new photos that match a query."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from photosd.core.errors import (
    BadRequest,
    Busy,
    DeadlineExceeded,
    NotRunning,
    PhotosdError,
    Unreachable,
    Warming,
)
from photosd.core.socketpath import expanded
from photosd.protocol.client import Client
from photosd_cli import console, paths, text
from photosd_cli.group import PATH, collecting

if TYPE_CHECKING:
    from photosd.protocol import replies

LONGEST = 10_000  # characters of one query
FROM_STDIN = "photosd on - < words.txt"
EXAMPLE = 'photosd on "receipt" --exec "cp {} /backup"'
AWAY = (NotRunning, Unreachable, DeadlineExceeded, Busy, Warming)
RETRY_SECONDS = 0.5
SILENCE_SECONDS = 20.0  # the daemon sends something every five seconds


@click.command(short_help="Save an alert: do something for each new photo that matches TEXT.")
@click.argument("words", nargs=-1, metavar="[TEXT]")
@click.option(
    "--from", "file", type=PATH, metavar="FILE", help="Read TEXT from FILE; `-` is stdin."
)
@click.option("--in", "below", type=PATH, metavar="DIR", help="Only photos in DIR or below.")
@click.option("--exec", "program", metavar="CMD", help="Run CMD with the photo's path.")
@click.option(
    "--link", "directory", type=PATH, metavar="DIR", help="Keep an album of links to them in DIR."
)
@click.option("--notify", is_flag=True, help="Show a notification.")
@click.option("--jsonl", is_flag=True, help="Print one JSON object per photo.")
@click.option("--no-wait", is_flag=True, help="Print matches since the last time, then exit.")
@click.option("--list", "listing", is_flag=True, help="List the alerts.")
@click.option(
    "--remove",
    "numbers",
    type=click.IntRange(1, 2**63 - 1),
    multiple=True,
    metavar="ID",
    help="Remove this alert; repeatable.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout; do not wait.")
def command(
    words: tuple[str, ...],
    file: str | None,
    below: str | None,
    program: str | None,
    directory: str | None,
    notify: bool,
    jsonl: bool,
    no_wait: bool,
    listing: bool,
    numbers: tuple[int, ...],
    as_json: bool,
) -> None:
    """Save an alert: do something, once, for each new photo that is a good match for TEXT.

    \b
    photosd on "receipt"                           print its path
    photosd on "receipt" --exec "cp {} /backup"    run a program
    photosd on "my dog" --link ~/Dog               keep an album of links
    photosd on "Noa Levi" --notify                 a person, by name
    photosd on - < words.txt                       hide TEXT from `ps`
    photosd on --list; photosd on --remove 3

    A photo matches if `photosd query` would show it as a good match. The alert stays until it is
    removed, across restarts of the daemon and the machine. CMD is run without a shell; the path
    replaces {} or is appended. An album also holds existing photos that match. Printed matches
    are recorded: the same command continues after them.
    """
    words = _read(words, file)
    what = _kind(program, directory, notify)
    if numbers or listing or not words:
        if words or below or what != "stream" or jsonl or no_wait:
            raise BadRequest("an alert needs a TEXT; --list and --remove take none", remedy=EXAMPLE)
        if numbers:
            _remove(numbers, as_json)
        else:
            _list(as_json)
        return
    if what != "stream" and (jsonl or no_wait):
        raise BadRequest(
            "--jsonl and --no-wait are for matches that are printed",
            remedy="save two alerts; both may have the same TEXT",
        )
    if not " ".join(words).strip():
        raise BadRequest("the query is empty", remedy=EXAMPLE)
    with Client() as client:
        added = client.standing_add(
            " ".join(words),
            what,
            argv=_argv(program) if program is not None else (),
            directory=paths.absolute(directory) if directory is not None else None,
            below=paths.absolute(below) if below is not None else None,
        )
        if as_json:
            console.out_json(added)
            return
        number = added["standing"]["id"]
        if added["new"] or not no_wait:  # else it is run again and again, by cron
            _tell(added)
        if what == "stream":
            if not no_wait:
                console.note("Waiting for photos that match; Ctrl-C ends it, the alert stays")
            _follow(client, number, as_json=jsonl, wait=not no_wait)


def _read(words: tuple[str, ...], file: str | None) -> tuple[str, ...]:
    """Read the TEXT; `-` and --from hide it from other users."""
    if file is None and words != ("-",):
        return words
    if file is not None and words:
        raise BadRequest("--from FILE and TEXT exclude each other", remedy="photosd on --from FILE")
    if file in (None, "-"):
        found = console.read_text(LONGEST, otherwise=FROM_STDIN)
    else:
        with Path(os.fsdecode(paths.absolute(file))).open(errors="replace") as stream:
            found = console.read_text(LONGEST, otherwise=FROM_STDIN, stream=stream)
    if not (words := tuple(found.split())):
        raise BadRequest("the query is empty", remedy=FROM_STDIN)
    return words


def _kind(program: str | None, directory: str | None, notify: bool) -> str:
    wanted = {"exec": program is not None, "link": directory is not None, "notify": notify}
    chosen = [kind for kind, is_wanted in wanted.items() if is_wanted]
    if len(chosen) > 1:
        raise BadRequest(
            f"--{chosen[0]} and --{chosen[1]} cannot be one alert",
            remedy="save two alerts; both may have the same TEXT",
        )
    return chosen[0] if chosen else "stream"


def _argv(command: str) -> list[str]:
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


def _follow(client: Client, number: int, *, as_json: bool, wait: bool) -> None:
    """Print matches of this alert; with ``wait`` until Ctrl-C, also across restarts.

    A match is acknowledged after it is printed, so the next reader starts after it. Raises NotFound
    if the alert is removed.
    """
    # A connection that subscribes cannot send other requests.
    reader = Client(client.socket_path, timeout=SILENCE_SECONDS)
    cursor, told = None, False
    while True:
        try:
            for match in reader.subscribe(number, cursor, wait):
                if as_json:
                    console.out(console.to_json(match))
                else:
                    paths.write(match)
                console.flush()
                cursor, told = match["cursor"], False
                with contextlib.suppress(PhotosdError):  # the next one includes this one
                    client.acknowledge(number, cursor)
        except AWAY:
            if not wait:
                raise
            if not told:
                console.note("the daemon stopped; waiting for it to restart")
            told = True
        if not wait:
            return
        reader.close()
        time.sleep(RETRY_SECONDS)


def _list(as_json: bool) -> None:
    with Client() as client:
        result = client.standing()
    if as_json:
        console.out_json(result)
    for line in () if as_json else (line for q in result["standing"] for line in _described(q)):
        console.out_wrapped(line, hang=5)
    if not (result["standing"] or as_json):
        console.note(f"No alerts. Make one with: {EXAMPLE}", "", whole=True)


def _remove(numbers: tuple[int, ...], as_json: bool) -> None:
    with Client() as client, collecting("removed", as_json) as removed:
        for number in numbers:
            alert = client.standing_remove(number)["removed"]
            removed.append(alert)
            if not as_json:
                console.out(f"removed: {_described(alert)[0]}")


def _described(alert: replies.StandingReport) -> list[str]:
    """Lines of the list: query and action, then the last failure."""
    parts = [f"{alert['id']:>3}  {text.inert(alert['text'])}"]
    if alert["below"]:
        parts.append(f"in {paths.shown(alert['below'])}")
    parts += [_action(alert), _figures(alert)]
    lines = ["   ".join(parts)]
    if alert["last_failure"]:
        lines.append(f"     last failure: {text.inert(alert['last_failure'])}")
    if alert["trouble"]:
        lines.append(f"     {text.inert(alert['trouble'])}")
    return lines


def _tell(added: replies.StandingAddResult) -> None:
    """Warnings about an alert, and how to remove it."""
    for warning in added["warnings"]:
        console.warn(text.inert(warning))
    number = added["standing"]["id"]
    saved = f"Saved alert {number}" if added["new"] else f"Alert {number} exists already"
    console.note(f"{saved}. Remove it with: photosd on --remove {number}")


def _action(alert: replies.StandingReport) -> str:
    if alert["kind"] == "exec":
        return f"runs {text.inert(shlex.join(alert['argv']))}"
    if alert["kind"] == "link":
        return f"album {paths.shown(alert['directory'] or '')}"
    return {"notify": "notifies", "stream": "prints paths"}[alert["kind"]]


def _figures(alert: replies.StandingReport) -> str:
    figures = [text.count(alert["matches"], "photo")]
    if alert["waiting"]:
        figures.append(f"{alert['waiting']:,} waiting")
    if alert["failed"]:
        figures.append(f"{alert['failed']:,} failed")
    return ", ".join(figures)
