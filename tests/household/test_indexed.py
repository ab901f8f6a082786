"""A whole household, indexed: every path ends as it must, under its own name."""

from __future__ import annotations

import base64
import json
import os
import sys
from typing import Any

import pytest

from photosd_cli.main import main
from tests.household.conftest import Indexed
from tests.household.daemon import expected


def test_every_path_ends_as_it_must(indexed: Indexed) -> None:
    """Indexed with the id of its bytes, failed with a reason, or not known at all."""
    household, daemon = indexed.household, indexed.daemon
    contents, wanted = daemon.contents(), household.contents()
    kinds = {item.path: item.kind for item in household.items}
    assert {(path, kinds[path]) for path in wanted.keys() - contents.keys()} == set()
    assert contents.keys() - wanted.keys() == set()
    assert contents == wanted
    failed = daemon.failed()
    assert set(failed) == household.paths("failed")
    assert all(failed.values())


def test_every_content_has_its_own_vector(indexed: Indexed) -> None:
    """And no other photo's."""
    assert indexed.daemon.wrong_vectors(set(indexed.household.contents().values())) == {}


def test_the_index_is_what_the_folder_is(indexed: Indexed) -> None:
    """By a look at the folder, not by what was meant to be in it."""
    good, bad = expected(indexed.household.root)
    assert (indexed.daemon.contents(), set(indexed.daemon.failed())) == (good, bad)


def test_a_path_is_listed_byte_by_byte(indexed: Indexed) -> None:
    """Newlines, marks and bytes that are no UTF-8 arrive as they are, all of them."""
    with indexed.daemon.client(timeout=60) as client:
        listed = {
            base64.b64decode(one["path_b64"]) if one.get("path_b64") else os.fsencode(one["path"])
            for part in client.paths("indexed")
            for one in part
        }
    assert listed == indexed.household.paths("indexed")


@pytest.mark.parametrize("kind", ["odd_name", "deep", "link", "live", "raw", "messenger"])
def test_show_finds_a_photo_by_its_path(indexed: Indexed, kind: str) -> None:
    """Whatever its name."""
    photos = [item for item in indexed.household.of_kind(kind) if item.outcome == "indexed"]
    with indexed.daemon.client() as client:
        for photo in photos[:40]:
            shown = client.show(photo.path)
            assert (shown["state"], shown["content_id"]) == ("indexed", photo.content), photo


def test_facets_count_every_photo_once(indexed: Indexed) -> None:
    """Each content in one year, whatever its copies; a folder as many as its filter finds."""
    contents = set(indexed.household.contents().values())
    with indexed.daemon.client(timeout=60) as client:
        answer = client.facets(limit=10_000, deadline_ms=20_000)
        assert answer["photos"] == len(contents)
        for kind in ("year", "month"):
            assert sum(one["photos"] for one in answer["facets"][kind]) == len(contents)
        folder = answer["facets"]["folder"][0]
        where: Any = {"below": [folder["value"]]}
        assert client.facets(where=where)["photos"] == folder["photos"]
        shown: set[str] = set()
        page = client.query(where=where, limit=1000, deadline_ms=20_000)
        while True:
            shown |= {hit["path"] for hit in page["hits"]}
            if page["cursor"] is None:
                break
            page = client.query(cursor=page["cursor"], limit=1000, deadline_ms=20_000)
        assert len(shown) == folder["photos"]


def test_counts_agree(indexed: Indexed, capfd: pytest.CaptureFixture[str]) -> None:
    """`folders`, `status`, `index`, `list` and `failures` count the same, as does the household."""
    daemon = indexed.daemon

    def ask(*words: str) -> dict[str, Any]:
        capfd.readouterr()
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PHOTOSD_SOCKET", os.fspath(daemon.home.socket))
            assert main([*words, "--json"]) == 0
        sys.stdout.flush()
        return dict(json.loads(capfd.readouterr().out))

    (folder,) = ask("folders")["folders"]
    status, progress = ask("status"), ask("index", "--wait")
    good = len(indexed.household.contents())
    bad = len(indexed.household.paths("failed"))
    assert (folder["photos"], folder["failed"], folder["pending"]) == (good + bad, bad, 0)
    assert status["folders"][0]["photos"] == status["index"]["photos"] == progress["photos"]
    for counts in (status["index"], progress):
        assert (counts["photos"], counts["indexed"], counts["failed"]) == (good + bad, good, bad)
    assert ask("list")["count"] == good
    assert ask("list", "--state", "failed")["count"] == bad == len(ask("failures")["failures"])
    assert ask("list", "--state", "all")["count"] == good + bad
    capfd.readouterr()
    with daemon.client() as client:
        coverage = client.query("anything")["coverage"]
    assert (coverage["photos"], coverage["indexed"], coverage["failed"]) == (good + bad, good, bad)
