"""`photosd logs`: the daemon's log."""

from __future__ import annotations

import click

from photosd.core.errors import NotFound
from photosd.core.paths import Home
from photosd_cli import console, logfile


@click.command()
@click.option("-f", "--follow", is_flag=True, help="Follow new lines, until Ctrl-C.")
@click.option(
    "-n",
    "lines",
    type=click.IntRange(0, 10**9),
    default=50,
    show_default=True,
    help="Number of lines.",
)
@click.option(
    "--level",
    type=click.Choice(logfile.LEVELS),
    default="debug",
    help="Only lines of at least this level.",
)
@click.option("--json", "as_json", is_flag=True, help="One object; with -f, one per line.")
def command(follow: bool, lines: int, level: str, as_json: bool) -> None:
    """Show the daemon's log in readable form. Works without the daemon."""
    file = Home.from_environment().log
    if not file.exists() and not follow:
        raise NotFound(
            f"there is no log at {file}: photosd has written nothing since `photosd purge`,"
            " or never ran here",
            remedy="photosd status   (if it does not run: photosd start)",
        )
    shown = logfile.LEVELS[logfile.LEVELS.index(level) :]
    last = logfile.tail(file, lines, wanted=lambda line: logfile.level_of(line) in shown)
    if as_json and not follow:
        events = [logfile.event_of(line) or {"event": line} for line in last]
        console.out_json({"log": str(file), "lines": events})
        return
    for line in last:
        _show(line, as_json)
    if follow:
        console.flush()
        for line in logfile.follow(file):
            if logfile.level_of(line) in shown:
                _show(line, as_json)
                console.flush()


def _show(line: str, as_json: bool) -> None:
    style = logfile.STYLES.get(logfile.level_of(line), "")
    console.out(line if as_json else console.styled(logfile.readable(line), style))
