"""The program `photosd`: runs one command and turns whatever happens into an exit code."""

from __future__ import annotations

import os
import sys

from photosd.core.errors import PhotosdError
from photosd_cli import console, failure
from photosd_cli.quick import plain_query

INTERRUPTED = 130
HELLO_SECONDS = 2.0


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; 0 ok, 1 nothing convincing, 2 usage, 3 not running, 4 warming, …"""
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
    except KeyError as error:
        return _report(_foreign(error), arguments)
    except OSError as error:
        console.discard()
        return _report(PhotosdError(str(error)), arguments)


def _run(arguments: list[str]) -> int:
    if "_PHOTOSD_COMPLETE" not in os.environ and (plain := plain_query(arguments)):
        from photosd_cli.ask import ask

        return ask(*plain)
    from photosd_cli.group import run

    return run(arguments, wants_json(arguments))


def _foreign(error: KeyError) -> PhotosdError:
    """Answers gain fields from version to version: that of an older daemon may lack one.

    Where the versions are the same it is a defect of ours, and is raised again.
    """
    from photosd.ipc.client import Client
    from photosd_cli.report import version_skew

    with Client(timeout=HELLO_SECONDS) as client:
        skew = version_skew(client.hello()["version"])
    if skew is None:
        raise error
    return PhotosdError(f"an answer has no field {error}; {skew}", remedy="photosd restart")


def _report(error: PhotosdError, arguments: list[str]) -> int:
    try:
        code = failure.report(error, wants_json(arguments))
        console.flush()
        return code
    except (console.OutputClosed, OSError):
        console.discard()
        return error.exit_code


def wants_json(arguments: list[str]) -> bool:
    """Whether errors, too, have to be objects on stdout."""
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    return "--json" in options or "--jsonl" in options


if __name__ == "__main__":
    sys.exit(main())
