"""`photosd query`: find photos by describing them."""

from __future__ import annotations

import sys

import click

from photosd_cli import seeing_options
from photosd_cli.ask import Seeing, Wish, ask, ask_each
from photosd_cli.attached import AttachedValues


@click.command(cls=AttachedValues)
@click.argument("text", nargs=-1)
@click.option(
    "-n",
    "limit",
    type=click.IntRange(1, 1000),
    help="Photos; without it the setting search.limit (20).",
)
@click.option(
    "--deadline",
    type=click.FloatRange(0.05, 600),
    default=3.0,
    show_default=True,
    metavar="SECONDS",
    help="Longest wait for an answer.",
)
@click.option("--weak", is_flag=True, help="Show weak matches, too.")
@click.option("--json", "form", flag_value="json", help="One JSON object on stdout.")
@click.option("--jsonl", "form", flag_value="jsonl", help="One JSON object a line, for each query.")
@click.option("--paths", "form", flag_value="paths", help="Only paths, weak matches included.")
@click.option("-0", "form", flag_value="print0", help="Only paths, each ended by a NUL byte.")
@click.option("form", "--table", flag_value="table", default="table", hidden=True)
@seeing_options.options
def command(
    text: tuple[str, ...],
    limit: int | None,
    deadline: float,
    weak: bool,
    form: str,
    seeing: Seeing,
) -> int:
    """Find photos that look like TEXT, the best first.

    TEXT is a description in plain words. A single `-` reads queries from stdin, one a line.
    Scores depend on the model and are not percentages; `strong`, `fair` and `weak` are what
    they mean for this one. Without a running daemon nothing is started: exit code 3.
    """
    many = text == ("-",)
    seeing = seeing_options.judged(seeing, form, many=many)
    wish = Wish(limit, round(deadline * 1000), form, weak, seeing)
    if many:
        return ask_each(sys.stdin, wish)
    return ask(" ".join(text), wish)
