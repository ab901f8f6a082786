"""`photosd demo`: shows everything at work in under a minute, with a temporary PHOTOSD_HOME."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from photosd.core.errors import DeadlineExceeded, EncoderUnavailable, PhotosdError
from photosd.core.paths import Home
from photosd.protocol.client import Client
from photosd_cli import console, lifecycle, text
from photosd_cli.progress import Bar

if TYPE_CHECKING:
    from photosd.protocol.replies import QueryResult

PICTURES = Path(__file__).parent.parent / "demo"  # drawn by formula, not in any training data
# Photos of scikit-image, where it is installed: their names here and there. The last ones are
# distractors.
PHOTOS = {
    "cat.png": "chelsea.png",
    "coffee.png": "coffee.png",
    "astronaut.png": "astronaut.png",
    "rocket.jpg": "rocket.jpg",
    "motorcycle.png": "motorcycle_left.png",
    "coins.png": "coins.png",
    "photographer.png": "camera.png",
    "galaxies.jpg": "hubble_deep_field.jpg",
    "bricks.png": "brick.png",
    "lawn.png": "grass.png",
    "printed-page.png": "page.png",
}
QUESTIONS = {
    "sunset": "sunset.jpg",
    "a sandy beach by the ocean": "beach.jpg",
    "עצים ביער": "forest.jpg",
    "snow covered mountains": "snow.jpg",
    "city at night": "night-city.jpg",
    "a cat": "cat.png",
    "כוס קפה": "coffee.png",
    "a smiling woman": "astronaut.png",
    "a motorcycle": "motorcycle.png",
    "a soccer ball on the grass": "soccer-ball.jpg",
}
LATECOMER, LATE_QUESTION = "sunflower.jpg", "a sunflower"  # copied while the daemon watches
ENOUGH = 0.8  # share of right answers
NOTICED_SECONDS = 20.0
RECOVERY_SECONDS = 40.0
POLL_SECONDS = 0.05
SHOWN = 3


@click.command()
@click.option(
    "--photos",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="Use these photos; they are only read.",
)
@click.option("--query", "queries", multiple=True, metavar="TEXT", help="Also run this query.")
def command(photos: Path | None, queries: tuple[str, ...]) -> int:
    """See it work: sample pictures, queries, a new photo, a hung model.

    Uses a temporary PHOTOSD_HOME that is removed at the end; your own daemon is not affected. Exit
    code 0: enough queries were answered correctly, "sunset" among them.
    """
    asked, right = run_demo(None if photos is None else photos.absolute(), queries)
    if not asked:
        return 0
    good = "sunset" in right and len(right) >= ENOUGH * asked
    console.out("it works" if good else "too many queries were answered wrongly")
    return 0 if good else 1


@contextlib.contextmanager
def home_of_its_own() -> Iterator[Path]:
    """A temporary home, removed at the end with its daemon; the user's own is not used."""
    # Socket paths are limited in length, and TMPDIR may be long.
    home = Path(tempfile.mkdtemp(prefix="photosd-demo-", dir="/tmp"))
    before = dict(os.environ)
    os.environ["PHOTOSD_HOME"] = str(home)
    os.environ.pop("PHOTOSD_SOCKET", None)
    try:
        yield home
    finally:
        try:
            lifecycle.stop()
        finally:
            os.environ.clear()
            os.environ.update(before)
            shutil.rmtree(home, ignore_errors=True)


def run_demo(photos: Path | None, more: tuple[str, ...]) -> tuple[int, list[str]]:
    """Run the demo, on sample pictures or on ``photos``; raises PhotosdError if a step fails.

    Returns the number of questions with known answers, and those answered correctly.
    """
    with home_of_its_own() as home:
        own = home / "pictures"
        _title("start")
        start()
        own.mkdir()
        asked = {} if photos is not None else copy_pictures(own)
        with Client(Home.from_environment().socket) as client:
            _title("index")
            _index(client, photos or own)
            _title("ask")
            right = run_questions(client, asked, more or (() if asked else tuple(QUESTIONS)))
            _title("a new photo")
            if photos is not None:  # nothing is copied into the user's own folder
                client.add(os.fsencode(own))
            add_one_more(client, own)
            _title("a hung model")
            _stop_the_encoder(client)
        _title("stop")
        return len(asked), right


def copy_pictures(directory: Path) -> dict[str, str]:
    """Copy all pictures but the latecomer into ``directory``; returns the questions they answer."""
    for picture in PICTURES.glob("*.jpg"):
        if picture.name != LATECOMER:
            shutil.copyfile(picture, directory / picture.name)
    installed = importlib.util.find_spec("skimage")  # found without importing it
    if installed is not None and installed.origin is not None:
        for name, original in PHOTOS.items():
            with contextlib.suppress(FileNotFoundError):
                shutil.copyfile(Path(installed.origin).parent / "data" / original, directory / name)
    return {text: name for text, name in QUESTIONS.items() if (directory / name).exists()}


def _title(words: str) -> None:
    console.out(console.styled(words, "bold"))
    console.flush()


def start() -> None:
    begin = time.monotonic()
    lifecycle.start()
    console.out(f"  the daemon answers after {time.monotonic() - begin:.1f} s")
    console.flush()
    status = lifecycle.status(wait=True)
    if status["state"] != "ready":
        raise EncoderUnavailable("; ".join(status["warnings"]) or f"it is {status['state']}")
    encoder, warm = status["encoder"], time.monotonic() - begin
    memory = f"{encoder['rss_mb'] or 0:.0f} MB"
    console.out(f"  model {encoder['model']} is warm after {warm:.1f} s, {memory}")


def _index(client: Client, directory: Path) -> None:
    begin = time.monotonic()
    client.add(os.fsencode(directory))
    with Bar("  indexing") as bar:
        for progress in client.rescan():
            bar.show(progress)
    seconds = time.monotonic() - begin
    failed = f", {progress['failed']:,} cannot be read" if progress["failed"] else ""
    console.out(f"  {text.count(progress['indexed'], 'photo')} in {seconds:.1f} s{failed}")


def run_questions(client: Client, known: dict[str, str], more: tuple[str, ...]) -> list[str]:
    """Run questions with known answers, then ``more``; returns those answered correctly."""
    right = []
    for question in (*known, *more):
        result, seconds = _ask(client, question)
        mark = " "
        if question in known:
            hit = _names(result)[:1] == [known[question]]
            right += [question] if hit else []
            mark = console.styled("✓" if hit else "✗", "green" if hit else "red")
        _show(question, result, mark, seconds)
    if known:
        console.out(f"  {len(right)} of {len(known)} right")
    return right


def _ask(client: Client, question: str) -> tuple[QueryResult, float]:
    begin = time.monotonic()
    return client.query(question, limit=SHOWN), time.monotonic() - begin


def add_one_more(client: Client, own: Path) -> None:
    """Copy a picture into a watched folder, until a query finds it."""
    shutil.copyfile(PICTURES / LATECOMER, own / LATECOMER)
    begin = time.monotonic()
    while (seconds := time.monotonic() - begin) < NOTICED_SECONDS:
        result = client.query(LATE_QUESTION, limit=1000)
        if LATECOMER in _names(result):
            console.out(f"  {LATECOMER} is found {seconds:.1f} s after it was copied in")
            return _show(LATE_QUESTION, result, " ", None)
        time.sleep(POLL_SECONDS)
    raise DeadlineExceeded(f"a new photo was not found in {NOTICED_SECONDS:.0f} s")


def _stop_the_encoder(client: Client) -> None:
    """Freeze the model's process; queries continue, and it is replaced."""
    pid = client.status()["encoder"]["pid"]
    if pid is None:
        raise PhotosdError("the encoder has no process")
    os.kill(pid, signal.SIGSTOP)
    begin = time.monotonic()
    console.out(f"  process {pid} is frozen (SIGSTOP)")
    for question in ("sunset", "a beach in the sunset"):
        asked = time.monotonic()
        try:
            result, seconds = _ask(client, question)
        except PhotosdError as error:
            console.out(f"    {question}: {error.title} ({time.monotonic() - asked:.1f} s)")
        else:
            _show(question, result, " ", seconds)
    while (seconds := time.monotonic() - begin) < RECOVERY_SECONDS:
        encoder = client.status()["encoder"]
        if encoder["state"] == "ready" and encoder["pid"] not in (None, pid):
            reason = text.inert(encoder["last_restart_reason"] or "")
            console.out(f"  replaced and warm again after {seconds:.1f} s ({reason})")
            return
        time.sleep(POLL_SECONDS)
    raise DeadlineExceeded(f"the encoder did not recover within {RECOVERY_SECONDS:.0f} s")


def _show(question: str, result: QueryResult, mark: str, seconds: float | None) -> None:
    """Show a question and its best hits on one line, with how they were found if unusual."""
    styles = {"strong": "green", "weak": "dim"}
    hits = [
        console.styled(text.inert(name), styles.get(hit["strength"], ""))
        for name, hit in zip(_names(result), result["hits"][:SHOWN], strict=False)
    ]
    took = "" if seconds is None else f"  {1000 * seconds:.0f} ms"
    how = "" if result["answered_by"] == "vector" else f"  {result['answered_by']}"
    note = console.styled(f"{took}{how}", "dim")
    console.out(f"  {mark} {question:<27} {', '.join(hits) or 'nothing'}{note}")
    console.flush()


def _names(result: QueryResult) -> list[str]:
    """The file names of the hits, best first."""
    return [Path(hit["path"]).name for hit in result["hits"]]
