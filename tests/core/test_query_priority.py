"""Long work lets queries pass, and continues however many there are."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from photosd.core import query_priority
from photosd.core.query_priority import after_queries, answering
from photosd.index.database import Database
from photosd.watch import filesystem_workers


def test_without_queries_nothing_waits() -> None:
    """Every step comes, in order."""
    assert list(after_queries(range(1000))) == list(range(1000))


def test_work_waits_for_a_query(monkeypatch: pytest.MonkeyPatch) -> None:
    """The work continues as soon as the last query is answered."""
    monkeypatch.setattr(query_priority, "WAIT_SECONDS", 60.0)
    order: list[str] = []
    begun = threading.Event()

    def work() -> None:
        begun.set()
        for _ in after_queries(range(query_priority.STEPS)):
            pass
        order.append("work")

    thread = threading.Thread(target=work)
    with answering():
        with answering():
            thread.start()
            begun.wait(60)
        order.append("query")
    thread.join(30)
    assert order == ["query", "work"]


def test_short_work_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """A query may need it."""
    monkeypatch.setattr(query_priority, "WAIT_SECONDS", 60.0)
    with answering():
        assert list(after_queries(range(query_priority.STEPS - 1)))


def test_a_scan_of_a_local_disk_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its thread is one of the daemon's."""
    monkeypatch.setattr(query_priority, "WAIT_SECONDS", 60.0)
    calls = {"many": lambda: iter(range(query_priority.STEPS)), "one": lambda: iter([1])}
    monkeypatch.setattr(filesystem_workers, "CALLS", calls)
    worker = filesystem_workers.FilesystemThread()
    with answering():
        worker.send("one", ())
        assert worker.receive(30) == ([1], 0)
        worker.send("many", ())
        items: list[object] = []
        while part := worker.receive(0.5):
            items += part.items
        assert len(items) < query_priority.STEPS
    while (part := worker.receive(30)) is not None:
        items += part.items
        if part.end is not None:
            break
    worker.discard()
    assert items == list(range(query_priority.STEPS))


def test_work_continues_under_endless_queries(monkeypatch: pytest.MonkeyPatch) -> None:
    """It waits for a moment, not for silence."""
    monkeypatch.setattr(query_priority, "WAIT_SECONDS", 0.001)
    with answering():
        assert len(list(after_queries(range(500)))) == 500


def test_a_query_that_fails_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work does not wait for a query that failed."""
    monkeypatch.setattr(query_priority, "WAIT_SECONDS", 60.0)
    with pytest.raises(ValueError, match="broken"), answering():
        raise ValueError("broken")
    assert len(list(after_queries(range(500)))) == 500


def test_who_holds_the_catalog_does_not_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A query may want to write, as one that asks Gemini does: it waited for a comparison that
    waited for it.
    """
    monkeypatch.setattr(query_priority, "WAIT_SECONDS", 3600.0)
    database = Database(tmp_path / "catalog.sqlite3")
    written: list[int] = []

    def work() -> None:
        with database.write(), database.write():
            written.extend(after_queries(range(3 * query_priority.STEPS)))

    thread = threading.Thread(target=work, daemon=True)
    with answering():
        thread.start()
        thread.join(30)
        assert len(written) == 3 * query_priority.STEPS
    database.close()
