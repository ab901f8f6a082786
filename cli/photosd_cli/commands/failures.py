"""`photosd failures`: photos that could not be indexed."""

from __future__ import annotations

import click

from photosd.protocol.client import Client
from photosd_cli import console, paths, text
from photosd_cli.group import json_option


@click.command()
@click.option("--retry", is_flag=True, help="Retry all of them now.")
@click.option("--stacks", is_flag=True, help="Show the decoder's stack, for a bug report.")
@json_option
def command(retry: bool, stacks: bool, as_json: bool) -> None:
    """List photos that could not be indexed, with reason and remedy, and unreadable metadata."""
    with Client() as client:
        result = client.failures(retry)
    if as_json:
        console.out_json(result)
        return
    for failure in result["failures"]:
        console.out(paths.linked(failure))
        told = failure["reason"].startswith("quarantined")
        is_told = told or not failure.get("quarantined")
        quarantined = "" if is_told else "  (quarantined: it crashed a worker)"
        attempts = text.count(failure["attempts"], "attempt")
        console.out_wrapped(f"  {text.inert(failure['reason'])}  [{attempts}]{quarantined}", hang=2)
        if failure["remedy"]:
            console.out_wrapped(f"  {text.inert(failure['remedy'])}", hang=2)
        for line in (failure.get("stack") or "").splitlines() if stacks else ():
            console.out(f"    {text.inert(line)}")
    for photo in result.get("metadata", ()):
        console.out(paths.linked(photo))
        kinds = text.inert(", ".join(photo["unreadable"]))
        console.out_wrapped(f"  indexed; metadata that cannot be read: {kinds}", hang=2)
    console.flush()
    if retry and result["retried"]:
        console.note(f"{text.count(result['retried'], 'photo')} will be retried", "")
    elif not result["failures"]:  # others may be waiting to be indexed
        console.note("No photos to retry" if retry else "No photo has failed", "")
