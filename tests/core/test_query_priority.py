"""Long work lets queries pass, and continues however many there are."""

from __future__ import annotations

import threading

import pytest

from photosd.core import query_priority
from photosd.core.query_priority import after_queries, answering


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
        for _ in after_queries(range(3)):
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
