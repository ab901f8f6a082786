"""`photosd web`: look for photos in a browser."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from pathlib import Path

import click

from photosd.core.errors import BadRequest, NotInstalled, PhotosdError
from photosd.core.libraries import install_command
from photosd.protocol.client import Client
from photosd_cli import console, openers
from photosd_cli.group import PATH

LIBRARIES = ("starlette>=1.10,<2", "uvicorn>=0.50,<1", "anyio>=4.10,<5")  # as in pyproject.toml
PASSPHRASE = "PHOTOSD_WEB_PASSPHRASE"  # noqa: S105 (the name of a variable)
HELLO_SECONDS = 10.0
LAN_WARNING = (
    "Other computers on this network can open this page with the pass phrase. There is no TLS:"
    " pass phrase and photos cross the network unencrypted. Safer: ssh -L, or a VPN."
)


@click.command()
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, metavar="N", help="Default: a free one."
)
@click.option("--no-open", is_flag=True, help="Print the address, and open no browser.")
@click.option(
    "--socket", "daemon", type=PATH, metavar="PATH", help="The daemon's socket; default: yours."
)
@click.option(
    "--lan",
    is_flag=True,
    help=f"Let other computers in, by a pass phrase: from {PASSPHRASE}, or prompted for. No TLS.",
)
@click.option(
    "--allow-host",
    "names",
    multiple=True,
    metavar="NAME",
    help="Also answer to this host name; addresses and localhost are always allowed; repeatable.",
)
def command(
    port: int, no_open: bool, daemon: str | None, lan: bool, names: tuple[str, ...]
) -> None:
    """Look for photos in a browser, until Ctrl-C.

    Serves a page at an address of this computer only, and opens it. The address works once, in one
    browser.
    """
    try:
        from photosd_cli.web.app import serve
        from photosd_cli.web.security import Access
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("starlette", "uvicorn", "anyio"):
            raise
        raise NotInstalled(
            "the web server's libraries are not installed",
            remedy=install_command(LIBRARIES[0], *(f'"{one}"' for one in LIBRARIES[1:])),
        ) from error
    passphrase = _passphrase() if lan else None
    with Client(daemon, timeout=HELLO_SECONDS) as client:
        client.hello()
    if lan:
        console.warn(LAN_WARNING)
        names = (*names, *_own_names())
    serve(
        daemon,
        Access(passphrase),
        host="0.0.0.0" if lan else "127.0.0.1",  # noqa: S104 (with a pass phrase)
        port=port,
        names=list(names),
        ready=lambda url, opening: _ready(url, None if no_open else opening),
    )


def _passphrase() -> str:
    from photosd_cli.web.security import MIN_PASSPHRASE

    given = os.environ.get(PASSPHRASE)
    if given is None and console.is_terminal(sys.stdin):
        given = click.prompt("Pass phrase", hide_input=True, err=True)
    if not given or len(given) < MIN_PASSPHRASE:
        raise BadRequest(
            f"--lan needs a pass phrase of at least {MIN_PASSPHRASE} characters",
            remedy=f"set {PASSPHRASE}, or run it in a terminal, which prompts for it",
        )
    return given


def _own_names() -> list[str]:
    name = socket.gethostname().partition(".")[0]
    return [name, f"{name}.local"]


def _ready(url: str, opening: Path | None) -> None:
    console.out(url)
    console.flush()
    console.note("Stop with Ctrl-C.")
    if opening is not None:
        with contextlib.suppress(PhotosdError):  # no display; the address is printed
            openers.open_files([os.fsencode(opening)])
