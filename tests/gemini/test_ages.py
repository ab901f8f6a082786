"""Contact sheets, thumbnails and the log of calls end with their age, whatever the cloud's mode."""

from __future__ import annotations

import os
import threading
import time
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from photosd.core.paths import Home
from photosd.decode.pool import Thumbnail
from photosd.decode.thumbnails import ThumbnailStore
from photosd.gemini.answer_cache import AnswerCache
from photosd.gemini.ledger import KEPT_DAYS, Ledger
from photosd.index.database import Database
from photosd.runtime.erasing import ANSWER_SECONDS, KEPT_SECONDS, Traces
from photosd.search.query_cache import QueryCache, QueryEmbedding

DAY = 86_400.0


def test_what_has_reached_its_age_goes(home: Home) -> None:
    database = Database(home.catalog)
    ledger, store = Ledger(database), ThumbnailStore(home.thumbnails, 1 << 20)
    for directory in (home.sheets, home.answers):
        directory.mkdir(parents=True)
    for name, age in (("old", KEPT_SECONDS + DAY), ("new", KEPT_SECONDS - DAY)):
        at = time.time() - age
        sheet = home.sheets / f"{name}.html"
        sheet.write_text("what was asked")
        answer = home.answers / f"{name}.json"
        answer.write_text("what was asked")
        os.utime(answer, (at + KEPT_SECONDS - ANSWER_SECONDS,) * 2)
        file = store.put(320, Thumbnail(b"\xff\xd8..\xff\xd9", 1, 1, f"{age:.0f}-{'0' * 32}"))
        assert file is not None
        for one in (sheet, file):
            os.utime(one, (at, at))
    for days in (KEPT_DAYS + 1, KEPT_DAYS - 1):
        ledger.begin("rewrite", "model", 1, 1, 0.0, 1.0)
        with database.write() as db:
            at = time.time() - days * DAY
            last = "(SELECT max(id) FROM cloud_calls)"
            db.execute(f"UPDATE cloud_calls SET at = ? WHERE id = {last}", (at,))
    kept = AnswerCache(home.cloud, lambda: remembers)
    remembers = True
    kept.put("rewrite", "what was asked", b"[]", kept.generation)
    cloud: Any = SimpleNamespace(expire_log=ledger.expire, forget_answers=kept.forget)
    store = ThumbnailStore(home.thumbnails, 1 << 20)
    unused: Any = SimpleNamespace(runtimes=list)
    traces = Traces(home, database, unused, store, cloud, lambda: remembers)
    traces.expire()
    assert [sheet.name for sheet in home.sheets.iterdir()] == ["new.html"]
    assert [answer.name for answer in home.answers.iterdir()] == ["new.json"]
    assert len(list(home.thumbnails.rglob("*.jpg"))) == 1
    assert len(ledger.calls(10)) == 1
    traces.purge()
    assert not list(home.answers.iterdir())
    assert not list(home.sheets.iterdir()) and not list(home.thumbnails.rglob("*.jpg"))
    assert kept.get("rewrite", "what was asked") == b"[]"
    remembers = False
    assert kept.get("rewrite", "what was asked") is None
    kept.put("rewrite", "what was asked now", b"[]", kept.generation)
    (home.answers / "new.json").write_text("what was asked now")
    traces.expire()
    assert not list(home.cloud.iterdir()) and not list(home.answers.iterdir())
    database.close()


def test_what_was_made_while_the_clock_was_ahead_has_an_age(home: Home) -> None:
    """It begins when that is noticed; it never did, so a sheet of 2099 stayed."""
    database, late = Database(home.catalog), time.time() + 1000 * DAY
    home.sheets.mkdir(parents=True)
    sheet = home.sheets / "late.html"
    sheet.write_text("what was asked")
    file = ThumbnailStore(home.thumbnails, 1 << 20).put(
        320, Thumbnail(b"\xff\xd8..\xff\xd9", 1, 1, f"1-{'0' * 32}")
    )
    assert file is not None
    for one in (sheet, file):
        os.utime(one, (late, late))
    cloud: Any = SimpleNamespace(expire_log=lambda: None)
    unused: Any = SimpleNamespace(runtimes=list)
    store = ThumbnailStore(home.thumbnails, 1 << 20)
    Traces(home, database, unused, store, cloud, lambda: True).expire()
    for one in (sheet, file):
        assert one.stat().st_mtime <= time.time()
    store.expire(time.time() + 1)
    assert not file.exists()
    database.close()


def test_queries_are_forgotten_with_what_was_answered_to_them(home: Home) -> None:
    """Rewritten queries and Gemini's vectors of them are remembered queries, too."""
    database, kept = Database(home.catalog), AnswerCache(home.cloud)
    kept.put("rewrite", "what was asked", b"[]", kept.generation)
    cloud: Any = SimpleNamespace(forget_answers=kept.forget)
    unused: Any = SimpleNamespace(runtimes=list)
    store = ThumbnailStore(home.thumbnails, 1 << 20)
    Traces(home, database, unused, store, cloud, lambda: True).forget_queries()
    assert kept.get("rewrite", "what was asked") is None and not list(home.cloud.iterdir())
    database.close()


def test_a_query_is_forgotten_that_is_saved_while_the_setting_changes(home: Home) -> None:
    """It was counted too early, so it stayed."""
    database, saving, go_on = Database(home.catalog), threading.Event(), threading.Event()

    def keeps() -> bool:
        if threading.current_thread() is not threading.main_thread():
            saving.set()
            go_on.wait(30)
        return True

    queries = QueryCache(database, "model", keeps)
    queries.put("snow", QueryEmbedding(np.ones(4, np.float32), 1.0, []))
    assert saving.wait(30)
    runtime = SimpleNamespace(engine=SimpleNamespace(forget_queries=queries.forget))
    switcher: Any = SimpleNamespace(runtimes=lambda: [runtime])
    cloud: Any = SimpleNamespace(expire_log=lambda: None, forget_answers=lambda: None)
    store = ThumbnailStore(home.thumbnails, 1 << 20)
    traces = Traces(home, database, switcher, store, cloud, lambda: False)
    expiry = threading.Thread(target=traces.expire)
    expiry.start()
    expiry.join(0.3)  # too early, it would end here
    go_on.set()
    expiry.join(30)
    queries.close()
    assert QueryCache(database, "model").get("snow") is None
    database.close()


@pytest.mark.parametrize("way", ["purge", "forget_queries", "forget_cloud"])
def test_damaged_stores_keep_nothing_either(home: Home, way: str) -> None:
    """Renamed damaged stores hold what was asked, named and answered."""
    database = Database(home.catalog)
    home.index.mkdir()
    for directory in (home.state, home.cloud):
        directory.mkdir(exist_ok=True)
    catalog = home.state / "catalog.sqlite3.damaged-1764400000"
    for file in (catalog, catalog.with_name(catalog.name + "-wal")):
        file.write_text("what was asked")
    table = home.index / "vectors_m.lance.damaged-1764400001"
    (table / "data").mkdir(parents=True)
    (home.cloud / "answers.sqlite3.damaged-1764400002").write_text("what was answered")
    home.config.mkdir(exist_ok=True)
    for name in ("folders", "standing"):
        (home.config / f"{name}.json.damaged-1764400003").write_text("what was named")
    others = [home.state / "queries.salt", home.index / "vectors_m.lance", home.config / "mine"]
    others[0].write_text("salt")
    others[1].mkdir()
    others[2].write_text("somebody's own")
    cloud: Any = SimpleNamespace(forget=lambda: 0, forget_answers=AnswerCache(home.cloud).forget)
    unused: Any = SimpleNamespace(runtimes=list)
    store = ThumbnailStore(home.thumbnails, 1 << 20)
    getattr(Traces(home, database, unused, store, cloud, lambda: True), way)()
    left = {file.name for file in home.state.rglob("*.damaged-*")}
    assert not [name for name in left if name.startswith("catalog")]
    if way == "purge":
        assert not left and not list(home.config.glob("*.damaged-*"))
    assert all(other.exists() for other in others)
    database.close()
