"""`photosd last`: the last answer of this terminal again."""

from __future__ import annotations

import click

from photosd_cli import console, last_answer, query_output, text
from photosd_cli.group import json_option
from photosd_cli.query_output import QueryOptions


@click.command()
@json_option
def command(as_json: bool) -> int:
    """Show the last answer in this terminal again, without asking the daemon."""
    kept = last_answer.load()
    result, options = kept["result"], QueryOptions(**kept["options"])
    if as_json:
        console.out_json(result)
    else:
        console.out(console.styled(text.inert(result["query"]), "bold"))
        shown = last_answer.numbered(kept)
        for row in query_output.table(list(shown.values()), options, min(shown, default=1)):
            console.out(row)
    return 0 if result["convincing"] else 1
