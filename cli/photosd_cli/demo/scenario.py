"""The demo, step by step, on a daemon and a home of its own."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from photosd.core.errors import DeadlineExceeded, EncoderUnavailable, PhotosdError
from photosd.core.paths import Home
from photosd.protocol.client import Client
from photosd_cli import console, lifecycle, text
from photosd_cli.demo import pictures
from photosd_cli.progress import Bar

if TYPE_CHECKING:
    from photosd.protocol.replies import Hit, QueryResult

NOTICED_SECONDS = 20.0
RECOVERY_SECONDS = 40.0
POLL_SECONDS = 0.05
SHOWN = 3


class Outcome(NamedTuple):
    """Results of the demo; the last two in seconds."""

    asked: int
    right: int
    sunset: bool
    found_after: float
    recovered_after: float


@contextlib.contextmanager
def home_of_its_own() -> Iterator[Path]:
    """A temporary home, removed at the end with its daemon; the user's home is not used."""
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


def tell(photos: Path | None, more: tuple[str, ...]) -> Outcome:
    """Run the demo, on sample pictures or on ``photos``; raises PhotosdError if a step fails."""
    with home_of_its_own() as home:
        own, late = home / "pictures", home / pictures.LATECOMER
        _title("start")
        _start(own)
        (own / pictures.LATECOMER).rename(late)
        asked = pictures.questions(own) if photos is None else {}
        if photos is not None:
            for picture in own.iterdir():
                picture.unlink()
        with Client(Home.from_environment().socket) as client:
            _title("index")
            _index(client, own if photos is None else photos)
            _title("ask")
            right = _quiz(client, asked, more or (() if asked else tuple(pictures.QUESTIONS)))
            _title("a new photo")
            if photos is not None:  # nothing is copied into the user's own folder
                client.add(os.fsencode(own))
            found = _add_one_more(client, late, own)
            _title("a hung model")
            recovered = _stop_the_encoder(client)
        _title("stop")
        return Outcome(len(asked), len(right), "sunset" in right, found, recovered)


def _title(words: str) -> None:
    console.out(console.styled(words, "bold", sys.stdout))
    console.flush()


def _start(own: Path) -> None:
    """Start the daemon; the pictures are painted while its model warms up."""
    begin = time.monotonic()
    lifecycle.start()
    console.out(f"  the daemon answers after {time.monotonic() - begin:.1f} s")
    console.flush()
    names = pictures.gather(own)
    status = lifecycle.wait_until_warm()
    if status["state"] != "ready":
        raise EncoderUnavailable("; ".join(status["warnings"]) or f"it is {status['state']}")
    encoder, warm = status["encoder"], time.monotonic() - begin
    console.out(
        f"  model {encoder['model']} is warm after {warm:.1f} s, {encoder['rss_mb'] or 0:.0f} MB; "
        f"meanwhile {text.count(len(names), 'picture')} painted or taken from scikit-image"
    )


def _index(client: Client, directory: Path) -> None:
    begin = time.monotonic()
    client.add(os.fsencode(directory))
    with Bar("  indexing") as bar:
        for progress in client.rescan():
            bar.show(progress)
    seconds = time.monotonic() - begin
    failed = f", {progress['failed']:,} cannot be read" if progress["failed"] else ""
    console.out(f"  {text.count(progress['indexed'], 'photo')} in {seconds:.1f} s{failed}")


def _quiz(client: Client, known: dict[str, str], more: tuple[str, ...]) -> list[str]:
    """Run questions with known answers, then ``more``; returns those answered correctly."""
    right = []
    for question in (*known, *more):
        begin = time.monotonic()
        result = client.query(question, limit=SHOWN)
        seconds = time.monotonic() - begin
        mark = " "
        if question in known:
            hit = _name(result) == known[question]
            right += [question] if hit else []
            mark = console.styled("✓" if hit else "✗", "green" if hit else "red", sys.stdout)
        _show(question, result, mark, seconds)
    if known:
        console.out(f"  {len(right)} of {len(known)} right")
    return right


def _add_one_more(client: Client, latecomer: Path, own: Path) -> float:
    """Copy a picture into a watched folder; seconds until a query finds it."""
    shutil.copyfile(latecomer, own / latecomer.name)
    begin = time.monotonic()
    while (seconds := time.monotonic() - begin) < NOTICED_SECONDS:
        result = client.query(pictures.LATE_QUESTION, limit=1000)
        if any(Path(hit["path"]).name == latecomer.name for hit in result["hits"]):
            console.out(f"  {latecomer.name} is found {seconds:.1f} s after it was copied in")
            _show(pictures.LATE_QUESTION, result, " ", None)
            return seconds
        time.sleep(POLL_SECONDS)
    raise DeadlineExceeded(f"a new photo was not found in {NOTICED_SECONDS:.0f} s")


def _stop_the_encoder(client: Client) -> float:
    """Freeze the model's process; queries continue, and it is replaced. Returns the seconds it
    took.
    """
    pid = client.status()["encoder"]["pid"]
    if pid is None:
        raise PhotosdError("the encoder has no process")
    os.kill(pid, signal.SIGSTOP)
    begin = time.monotonic()
    console.out(f"  process {pid} is frozen (SIGSTOP)")
    for question in ("sunset", "a beach in the sunset"):
        asked = time.monotonic()
        try:
            result = client.query(question, limit=SHOWN)
        except PhotosdError as error:
            console.out(f"    {question}: {error.title} ({time.monotonic() - asked:.1f} s)")
        else:
            _show(question, result, " ", time.monotonic() - asked)
    while time.monotonic() - begin < RECOVERY_SECONDS:
        encoder = client.status()["encoder"]
        if encoder["state"] == "ready" and encoder["pid"] not in (None, pid):
            seconds = time.monotonic() - begin
            reason = text.inert(encoder["last_restart_reason"] or "")
            console.out(f"  replaced and warm again after {seconds:.1f} s ({reason})")
            return seconds
        time.sleep(POLL_SECONDS)
    raise DeadlineExceeded(f"the encoder did not come back in {RECOVERY_SECONDS:.0f} s")


def _show(question: str, result: QueryResult, mark: str, seconds: float | None) -> None:
    """Show a question and its best hits on one line, with how they were found if unusual."""
    hits = ", ".join(_short(hit) for hit in result["hits"][:SHOWN]) or "nothing"
    took = "" if seconds is None else f"  {1000 * seconds:.0f} ms"
    how = "" if result["answered_by"] == "vector" else f"  {result['answered_by']}"
    aside = console.styled(f"{took}{how}", "dim", sys.stdout)
    console.out(f"  {mark} {question:<27} {hits}{aside}")
    console.flush()


def _short(hit: Hit) -> str:
    name = text.inert(Path(hit["path"]).name)
    style = {"strong": "green", "weak": "dim"}.get(hit["strength"], "")
    return console.styled(name, style, sys.stdout)


def _name(result: QueryResult) -> str:
    """The file name of the best hit."""
    return Path(result["hits"][0]["path"]).name if result["hits"] else ""
