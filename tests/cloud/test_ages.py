"""Contact sheets, thumbnails and the log of calls end with their age, whatever the cloud's mode."""

from __future__ import annotations

import os
import time
from types import SimpleNamespace
from typing import Any

from photosd.cloud.ledger import KEPT_DAYS, Ledger
from photosd.core.paths import Home
from photosd.decode.results import Thumbnail
from photosd.decode.thumbnail_store import ThumbnailStore
from photosd.index.database import Database
from photosd.traces import KEPT_SECONDS, Traces

DAY = 86_400.0


def test_what_has_reached_its_age_goes(home: Home) -> None:
    database = Database(home.catalog)
    ledger, store = Ledger(database), ThumbnailStore(home.thumbnails, 1 << 20)
    home.sheets.mkdir(parents=True)
    for name, age in (("old", KEPT_SECONDS + DAY), ("new", KEPT_SECONDS - DAY)):
        at = time.time() - age
        sheet = home.sheets / f"{name}.html"
        sheet.write_text("what was asked")
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
    cloud: Any = SimpleNamespace(expire_log=ledger.expire)
    store = ThumbnailStore(home.thumbnails, 1 << 20)
    nobody: Any = SimpleNamespace(actives=list)
    traces = Traces(home, database, nobody, store, cloud, lambda: True)
    traces.expire()
    assert [sheet.name for sheet in home.sheets.iterdir()] == ["new.html"]
    assert len(list(home.thumbnails.rglob("*.jpg"))) == 1
    assert len(ledger.calls(10)) == 1
    traces.purge()
    assert not list(home.sheets.iterdir()) and not list(home.thumbnails.rglob("*.jpg"))
    database.close()
