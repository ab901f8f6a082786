"""The program `photosd`: runs one command and returns an exit code."""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path

from photosd.core.errors import FileError, PhotosdError
from photosd_cli import command_names, console, text

INTERRUPTED = 130
HELLO_SECONDS = 2.0


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; 0 ok, 1 no good matches, 2 usage, 3 not running, 4 warming, …"""
    arguments = sys.argv[1:] if arguments is None else arguments
    console.set_up()
    try:
        code = _run(arguments)
        console.flush()
        return code
    except KeyboardInterrupt:
        return INTERRUPTED
    except console.OutputClosed:
        console.discard()
        return 0
    except PhotosdError as error:
        return _report(error, arguments)
    except OSError as error:
        return _report(FileError.of(error), arguments)
    except Exception as error:  # last handler: users do not see tracebacks
        return _report(_unexpected(error), arguments)


def _run(arguments: list[str]) -> int:
    if "_PHOTOSD_COMPLETE" in os.environ:
        from photosd_cli.commands import completion

        return completion.offer()
    if words := command_names.query_of(arguments):
        from photosd_cli import query_run

        if plain := query_run.plain_query(words):
            return query_run.ask(*plain)
    from photosd_cli.group import run

    return run(arguments, wants_json(arguments))


def _unexpected(error: Exception) -> PhotosdError:
    """A bug, or a field missing in the answer of an older daemon."""
    if os.environ.get("PHOTOSD_TRACEBACK"):
        traceback.print_exc()
    if isinstance(error, KeyError) and (skew := _version_skew()):
        return PhotosdError(f"the answer has no field {error}; {skew}", remedy="photosd restart")
    where = traceback.extract_tb(error.__traceback__)[-1]
    return PhotosdError(
        f"{type(error).__name__}: {error} ({Path(where.filename).name}, line {where.lineno})",
        remedy="this is a bug in photosd; report it with: photosd bugreport\n"
        "to see the traceback, set PHOTOSD_TRACEBACK=1 and run the command again",
    )


def _version_skew() -> str | None:
    """How the daemon's version differs from ours; None if it does not or no daemon answers."""
    from photosd.protocol.client import Client

    try:
        with Client(timeout=HELLO_SECONDS) as client:
            return text.version_skew(client.hello().get("version"))
    except PhotosdError:
        return None


def _report(error: PhotosdError, arguments: list[str]) -> int:
    try:
        code = console.report(error, wants_json(arguments))
        console.flush()
        return code
    except (console.OutputClosed, OSError):
        console.discard()
        return error.exit_code


def wants_json(arguments: list[str]) -> bool:
    """Whether errors must be JSON objects on stdout."""
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    return "--json" in options or "--jsonl" in options


if __name__ == "__main__":
    sys.exit(main())
