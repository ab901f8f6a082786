"""Every limit is passed by something that people have or do, and nothing is lost beyond it.

Which test passes which limit is written in test_limits.py.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import socket
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import xxhash

from photosd.alerts import alert_store, alerts, matching
from photosd.core.errors import BadRequest, PhotosdError
from photosd.core.formats import is_raw_name
from photosd.core.pair_names import stem_of
from photosd.decode import raw
from photosd.decode.decode_errors import DecodeFailed
from photosd.index import vectors
from photosd.index.contents import Contents
from photosd.index.database import Database
from photosd.index.table import IN_ONE_LIST, Embedding
from photosd.index.vectors import VectorStore
from photosd.protocol import server
from photosd.protocol.requests import MAX_QUERY_CHARACTERS
from photosd.search import paging, parsing
from photosd.search.dates import period_of
from photosd.watch.ignore import IgnoreRules
from tests.household import bodies
from tests.household.conftest import Indexed
from tests.household.daemon import LIMITS, StandInDaemon, until

DIMENSION = 8
TOP = 1000  # the largest page that may be asked for


# -- through the daemon -----------------------------------------------------------------------


def test_all_pages_together_show_every_photo_once(indexed: Indexed) -> None:
    """A thousand at a time, through the whole library; not raw files beside their pictures."""
    shown: Counter[str] = Counter()
    wanted = indexed.household.contents()
    pictures = {stem_of(path) for path in wanted if not is_raw_name(path)}
    joined = {wanted[path] for path in wanted if is_raw_name(path) and stem_of(path) in pictures}
    with indexed.daemon.client(timeout=60) as client:
        params: dict[str, Any] = {"text": "IMG at the sea", "limit": TOP, "deadline_ms": 20_000}
        while True:
            answer = client.call("query", params, 30)
            shown.update(wanted[_bytes(hit)] for hit in answer["hits"])
            if not (cursor := answer.get("cursor")):
                break
            params = {"cursor": cursor, "limit": TOP, "deadline_ms": 20_000, "text": ""}
    assert joined
    assert set(shown) == set(wanted.values()) - joined
    assert set(shown.values()) == {1}


def test_more_clients_than_places_are_all_answered(indexed: Indexed) -> None:
    """Twice as many clients of every kind as the daemon serves at once are all answered."""
    photo = next(iter(indexed.household.contents()))
    number = 2 * max(server.QUERIES, server.OTHERS, server.STREAMS)

    def ask(turn: int) -> bool:
        with indexed.daemon.client(timeout=60) as client:
            listed = sum(len(part) for part in client.paths("failed"))
            found = client.query(f"dog {turn}", deadline_ms=20_000)["hits"]
            return bool(found) and client.show(photo)["state"] == "indexed" and listed > 0

    with ThreadPoolExecutor(number) as threads:
        assert all(threads.map(ask, range(number)))


def test_one_client_may_ask_for_everything_at_once(indexed: Indexed) -> None:
    """Five hundred photos on one connection; each reply is its own."""
    photos = sorted(indexed.household.contents())[:500]
    with indexed.daemon.client(timeout=60) as client:
        asked = [{"path": "", "path_b64": base64.b64encode(photo).decode()} for photo in photos]
        shown = list(client.calls("show", asked, 60))
    wanted = indexed.household.contents()
    assert [one["content_id"] for one in shown] == [wanted[photo] for photo in photos]  # type: ignore[index]


def test_more_subscribers_than_there_is_room_for(indexed: Indexed) -> None:
    """The next ones get an error while all places are taken and a thousand wait."""
    lines = server.SUBSCRIPTIONS + server.WAITING + 8 * server.IN_FLIGHT_EACH
    with indexed.daemon.client(timeout=60) as client:
        number = client.standing_add("a thing that is in no photo")["standing"]["id"]
    request = {"id": "s", "op": "subscribe", "params": {"id": number, "wait": True}}
    line = json.dumps(request).encode() + b"\n"
    try:
        with contextlib.ExitStack() as stack:
            crowd = [
                stack.enter_context(_connected(indexed.daemon))
                for _ in range(lines // server.IN_FLIGHT_EACH)
            ]
            for one in crowd:
                one.sendall(line * server.IN_FLIGHT_EACH)
            until(lambda: any(map(_is_busy, crowd)), 30, "nobody was told")
            with indexed.daemon.client() as client:
                assert client.query("dog")["hits"]
    finally:
        with indexed.daemon.client(timeout=60) as client:
            client.standing_remove(number)


def test_new_photos_by_the_hundred_are_all_judged(indexed: Indexed, tmp_path: Path) -> None:
    """The first, the last and one in the middle match, each its own query."""
    photos = [bodies.fresh("plain", 10**11 + n) for n in range(2 * matching.BATCH + 50)]
    for number, data in enumerate(photos):
        (tmp_path / f"{number:04}.jpg").write_bytes(data)
    wanted = {n: _content(photos[n]) for n in (0, matching.BATCH + 3, len(photos) - 1)}
    with indexed.daemon.client(timeout=120) as client:
        # The stand-in encoder makes the same vector of a content and of its id as a text.
        added = {n: client.standing_add(content)["standing"]["id"] for n, content in wanted.items()}
        try:
            indexed.daemon.index(tmp_path)
            for number, query in added.items():
                # Among so many vectors at random one more may be near enough.
                name = f"{number:04}.jpg"
                until(lambda q=query, n=name: n in _matches(indexed.daemon, q), 60, "no match")
                assert len(_matches(indexed.daemon, query)) < 5
        finally:
            for query in added.values():
                client.standing_remove(query)
            client.remove(str(tmp_path))
    gone = set(map(_content, photos))
    until(lambda: not gone & indexed.daemon.vectors().keys(), 60, "vectors of removed photos stay")


def test_a_stream_of_many_matches_is_read_to_its_end(indexed: Indexed) -> None:
    """More than a page of them, in order, none twice."""
    many = 2 * alerts.PAGE + 50
    with indexed.daemon.client(timeout=60) as client:
        number = client.standing_add("something else that is in no photo")["standing"]["id"]
        try:
            with contextlib.closing(sqlite3.connect(indexed.daemon.home.catalog, timeout=30)) as db:
                db.executemany(
                    "INSERT INTO matches(standing, content, path, score, strength, matched_at,"
                    " state) VALUES(?, ?, ?, 1, 'strong', ?, 'done')",
                    [(number, f"c{n}", b"/p/%d.jpg" % n, time.time()) for n in range(many)],
                )
                db.commit()
            names = _matches(indexed.daemon, number)
            assert names == [f"{n}.jpg" for n in range(many)]
        finally:
            client.standing_remove(number)


def test_what_is_too_long_to_ask_is_refused_in_words(indexed: Indexed) -> None:
    """A text, and a sum of terms."""
    terms = [{"weight": 1.0, "text": f"term {n}"} for n in range(parsing.MAX_TERMS + 1)]
    with indexed.daemon.client(timeout=60) as client:
        for params in ({"text": "x" * (MAX_QUERY_CHARACTERS + 1)}, {"text": "", "terms": terms}):
            with pytest.raises(PhotosdError) as refused:
                client.call("query", {**params, "deadline_ms": 5000})
            assert refused.value.code == "bad_request" and refused.value.remedy, params


# -- parts ------------------------------------------------------------------------------------


@pytest.fixture
def store(tmp_path: Path) -> VectorStore:
    found = VectorStore(tmp_path / "index", "fake", DIMENSION)
    found.open()
    return found


def test_more_commits_than_versions_are_kept(store: VectorStore, tmp_path: Path) -> None:
    """Each commit adds a fragment, until they are merged; nothing is lost by that."""
    for number in range(vectors.COMPACT_EVERY + 5):
        store.commit([_embedding(number)])
    assert store.contents() == {f"c{n}" for n in range(vectors.COMPACT_EVERY + 5)}
    fragments = list((tmp_path / "index").glob("*.lance/data/*"))
    assert len(fragments) < 2 * vectors.COMPACT_EVERY


def test_more_contents_than_one_statement_names(store: VectorStore, tmp_path: Path) -> None:
    """Removed in parts, and the others stay."""
    many = 2 * IN_ONE_LIST + 10
    store.commit([_embedding(number) for number in range(many + 5)])
    store.remove([f"c{n}" for n in range(many)])
    assert store.contents() == {f"c{n}" for n in range(many, many + 5)}
    again = VectorStore(tmp_path / "index", "fake", DIMENSION)
    again.open()
    assert again.contents() == store.contents()


def test_more_contents_than_parameters_are_looked_up(tmp_path: Path) -> None:
    """Where they lie, of a thousand and some at once."""
    database = Database(tmp_path / "catalog.sqlite3")
    contents, many = Contents(database), 1234
    with database.write() as db:
        db.execute("INSERT INTO folders(id, path, state) VALUES(1, ?, 'ok')", (b"/p",))
        db.executemany(
            "INSERT INTO photos(path, folder, size, mtime_ns, inode, device, content, state)"
            " VALUES(?, 1, 1, 1, 1, 1, ?, 'indexed')",
            [(b"/p/%04d.jpg" % n, f"c{n}") for n in range(many)],
        )
    names = [f"c{n}" for n in range(many)]
    assert contents.holding(names).keys() == set(names)
    database.close()


def test_sensor_data_that_looks_like_many_jpegs(tmp_path: Path) -> None:
    """There are so many that the search stops before the preview: the error gives the reason."""
    false = b"\xff\xd8\xff\xe0nothing" * (raw.MAX_STARTS + 6)
    few = b"\xff\xd8\xff\xe0nothing" * (raw.MAX_STARTS - 6)
    preview = bodies.bodies()["raw"][0][512:]
    assert raw.open_raw(b"II*\0" + few + preview, LIMITS).size == bodies.PREVIEW
    with pytest.raises(DecodeFailed) as failed:
        raw.open_raw(b"II*\0" + false + preview, LIMITS)
    assert failed.value.remedy


def test_the_hundred_and_first_standing_query_is_refused(tmp_path: Path) -> None:
    """The error says why, and the hundred still work."""
    database = Database(tmp_path / "catalog.sqlite3")
    wishes = alert_store.AlertStore(database, tmp_path / "standing.json")
    for number in range(alert_store.MAX_ALERTS):
        wishes.add(alert_store.AlertOptions(f"wish number {number}", "stream"))
    with pytest.raises(BadRequest, match=str(alert_store.MAX_ALERTS)) as refused:
        wishes.add(alert_store.AlertOptions("one more", "stream"))
    assert refused.value.remedy
    assert len(wishes.all()) == alert_store.MAX_ALERTS
    database.close()


@pytest.mark.parametrize(
    "text",
    ["last " * 41 + "summer", "2019 to " * 9 + "2020", "ובשבת " * 16, "may 5 2019 " * 4 + "or so"],
)
def test_long_dates_are_refused_in_words(text: str) -> None:
    """Too many characters, too many words, too many ways to read them."""
    with pytest.raises(BadRequest) as refused:
        period_of(text)
    assert refused.value.remedy


@pytest.mark.parametrize("lines", [["x" * 5000], [f"private {n}/" for n in range(11_000)]])
def test_a_very_long_ignore_file_hides_its_directory(tmp_path: Path, lines: list[str]) -> None:
    """Nothing is indexed that the user may have excluded."""
    (tmp_path / ".photosdignore").write_text("\n".join(lines))
    (tmp_path / "photo.jpg").write_bytes(b"")
    with pytest.raises(OSError):  # it cannot be known, so nothing is read
        IgnoreRules(bytes(tmp_path)).ignored(bytes(tmp_path / "photo.jpg"))


def test_a_forgotten_page_is_refused_in_words() -> None:
    """Rankings are kept for the last hundred-odd questions."""
    rankings, answer = paging.Rankings(), cast("paging.Ranking", object())
    cursors = [rankings.keep(answer, paging.Cursor()) for _ in range(paging.KEPT + 1)]
    assert rankings.find(str(cursors[-1]))[0] is answer
    with pytest.raises(BadRequest) as refused:
        rankings.find(str(cursors[0]))
    assert refused.value.remedy


# -- helpers ----------------------------------------------------------------------------------


def _embedding(number: int) -> Embedding:
    vector = np.random.default_rng(number).normal(size=(1, DIMENSION)).astype(np.float32)
    return Embedding(f"c{number}", vector / np.linalg.norm(vector), {})


def _bytes(listed: Any) -> bytes:
    encoded = listed.get("path_b64")
    return base64.b64decode(encoded) if encoded else os.fsencode(listed["path"])


def _content(data: bytes) -> str:
    return f"{len(data):x}-{xxhash.xxh3_128_hexdigest(data)}"


def _matches(daemon: StandInDaemon, query: int) -> list[str]:
    with daemon.client(timeout=30) as client:
        return [Path(m["path"]).name for m in client.subscribe(query, 0, wait=False)]


@contextlib.contextmanager
def _connected(daemon: StandInDaemon) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(20)
        client.connect(str(daemon.home.socket))
        yield client


def _is_busy(client: socket.socket) -> bool:
    client.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        return b'"busy"' in client.recv(1 << 16)
    return False
