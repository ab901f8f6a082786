"""`photosd service`: start the daemon at login, with systemd or launchd."""

from __future__ import annotations

import dataclasses
import os
from typing import TYPE_CHECKING

import click

from photosd.core.errors import PhotosdError
from photosd.core.paths import Home
from photosd.service import selection
from photosd_cli import console, lifecycle, text
from photosd_cli.group import WholeGroup, json_option

if TYPE_CHECKING:
    from photosd.service.manager import ServiceStatus


@click.group(cls=WholeGroup)
def command() -> None:
    """Start the daemon at login and keep it running, with systemd or launchd."""


@command.command("install")
@click.option("--print", "only_print", is_flag=True, help="Show the files without writing them.")
@click.option(
    "--strict",
    is_flag=True,
    help="Linux: stricter sandbox: no network, writes only to photosd's own files.",
)
@json_option
def install(only_print: bool, strict: bool, as_json: bool) -> None:
    """Install the service for this user, and start it. Repeat after moving or updating photosd.

    PHOTOSD_HOME, if set, is recorded.
    """
    service = selection.this_service(strict=strict)
    if only_print:
        files = {os.fspath(file): content.decode() for file, content in service.files().items()}
        shown = [f"==> {file}\n{content}" for file, content in files.items()]
        console.answer({"files": files}, as_json, *shown)
        return
    selection.refuse_root()
    service.check()  # before stopping the service
    stopped = not service.status().installed and lifecycle.stop() != "not_running"
    try:
        changed = service.install()
    except PhotosdError:
        if stopped:
            lifecycle.start()  # restore the previous state
        raise
    lifecycle.wait_for_answer(lifecycle.failure_of(service))
    if as_json:
        console.out_json({"changed": changed, **dataclasses.asdict(service.status())})
    else:
        _show(service.status(), "installed and started" if changed else "installed already")


@command.command("uninstall")
@json_option
def uninstall(as_json: bool) -> None:
    """Stop the service and remove it. Index, settings and log are kept."""
    changed = selection.this_service().uninstall()
    done = "uninstalled" if changed else "nothing to uninstall"
    console.answer({"changed": changed}, as_json, done)


@command.command("status")
@json_option
def status(as_json: bool) -> int:
    """Show the state of the service. Exit codes: 0 installed and up to date, 1 not."""
    found = selection.this_service().status()
    if as_json:
        console.out_json(dataclasses.asdict(found))
    else:
        _show(found, "installed" if found.installed else "not installed")
    return 0 if found.installed and found.current else 1


def _show(status: ServiceStatus, verb: str) -> None:
    console.out(f"{status.manager}: {verb}" + (f", {status.state}" if status.installed else ""))
    for line in filter(None, (status.detail, status.trouble)):
        console.out(f"  {text.inert(line)}")
    for file in status.files:
        console.out(f"  {text.inert(file)}")
    if not status.installed:
        console.out("  photosd service install   starts photosd at every login")
        return
    if status.serves is not None and status.serves != os.fspath(Home.from_environment().state):
        console.warn(text.inert(f"the service uses another PHOTOSD_HOME: {status.serves}"))
    elif not status.current:
        console.warn("its files are outdated: photosd service install")
    elif not status.enabled:
        console.warn("not enabled at login: photosd service install")
