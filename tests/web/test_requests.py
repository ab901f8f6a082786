"""What the page requests: thin over the protocol, bounded, only photos of the library."""

from __future__ import annotations

import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest

from photosd_cli.web.app import MAX_BODY
from photosd_cli.web.pictures import MAX_ARCHIVES, MAX_DROPPED, attachment, name_of
from tests.cli.stub import error, hit, query_result
from tests.web.conftest import CHANGES, CONTENT, Site, jpeg, shown

TRAVERSAL = (
    "../../../../etc/passwd",
    "..%2f..%2fetc%2fpasswd",
    "%2e%2e/%2e%2e/etc/passwd",
    "/etc/passwd",
    f"{CONTENT}/../../x",
    f"{CONTENT}%00",
    "\\..\\..\\x",
    "2a-" + "0" * 31 + "g",
)


def ask(site: Site, name: str, **params: Any) -> Any:
    """The answer to a request that succeeds."""
    answer = site.entered().post(f"/api/{name}", headers=CHANGES, json=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_query_is_the_daemons(site: Site) -> None:
    """Its words stay here whatever the mode, and terms are words, photos or dropped pictures."""
    site.daemon.answers |= {
        "query": query_result(hit("/p/a.jpg", content_id=CONTENT)),
        "show": shown("/p/b.jpg", 9),
    }
    name = site.entered().post("/api/dropped", headers=CHANGES, content=jpeg()).json()["name"]
    terms = [{"text": "dog", "weight": -1}, {"content": CONTENT}, {"dropped": name, "weight": 2}]
    found = ask(site, "query", text="beach", terms=terms, where={"since": "2023"}, sort="-date")
    assert found["hits"][0]["content_id"] == CONTENT
    (params,) = site.daemon.params("query")
    assert params["asker"] == "page" and "mode" not in params
    assert (params["text"], params["sort"], params["where"]) == (
        "beach",
        "-date",
        {"since": "2023"},
    )
    words, photo, dropped = params["terms"]
    assert words == {"text": "dog", "weight": -1}
    assert photo == {"path": "/p/b.jpg", "path_b64": None, "weight": 1}
    assert Path(dropped["path"]).name == name and dropped["weight"] == 2


@pytest.mark.parametrize("text", TRAVERSAL)
def test_no_parameter_is_a_path(site: Site, text: str) -> None:
    """A content id is hexadecimal; anything else never reaches the daemon."""
    browser = site.entered()
    for path in (f"/picture/{text}/320", f"/original/{text}", f"/dropped/{text}", f"/zip/{text}"):
        answer = browser.get(path)
        assert answer.status_code in (400, 404, 405), (path, answer.status_code)
        assert "root:" not in answer.text
    for name, params in (
        ("photo", {"content": text}),
        ("reveal", {"content": text}),
        ("zip", {"contents": [text]}),
        ("query", {"terms": [{"content": text}]}),
        ("query", {"terms": [{"dropped": text}]}),
        ("query", {"terms": [{"path": "/etc/passwd"}]}),
        ("alert-add", {"text": "x", "kind": "exec", "argv": ["true"]}),
        ("alert-add", {"text": "x", "kind": "link", "directory": "relative"}),
    ):
        answer = browser.post(f"/api/{name}", headers=CHANGES, json=params)
        assert answer.status_code in (400, 404), (name, answer.text)
    for path in ("/static/../app.py", "/static/..%2fapp.py", "/static//etc/passwd", "/static/"):
        assert browser.get(path).status_code in (404, 405), path
    assert not site.daemon.requests


def test_originals_are_downloads_of_indexed_photos(site: Site, tmp_path: Path) -> None:
    """Never shown by the browser, whatever is in them."""
    for name, body in (
        ("page.jpg", b"<html><script>alert(1)</script>"),
        ("vector.jpg", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"),
    ):
        file = tmp_path / name
        file.write_bytes(body)
        site.daemon.answers["show"] = shown(file, len(body))
        answer = site.entered().get(f"/original/{CONTENT}")
        assert answer.content == body
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["content-disposition"].startswith("attachment; ")
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_what_is_not_that_photo_any_more_is_not_sent(site: Site, tmp_path: Path) -> None:
    """Gone, replaced by another file, a pipe or a directory; or never indexed."""
    file, pipe = tmp_path / "a.jpg", tmp_path / "pipe"
    file.write_bytes(b"12345")
    os.mkfifo(pipe)
    browser = site.entered()
    for path, size in ((file, 4), (pipe, 0), (tmp_path, 4096), (tmp_path / "gone.jpg", 5)):
        site.daemon.answers["show"] = shown(path, size)
        assert browser.get(f"/original/{CONTENT}").status_code in (404, 500), path
    site.daemon.answers["show"] = error("not_found")
    assert browser.get(f"/original/{CONTENT}").status_code == 404


@pytest.mark.parametrize(
    "name",
    [
        b'a"; filename=b.exe',
        b"new\r\nset-cookie: x=y\r\n\r\n<script>.jpg",
        "שקיעה.jpg".encode(),
        b"bad\xff.jpg",
        "\u202egpj.exe".encode(),
        b"...",
    ],
)
def test_names_cannot_add_headers(name: bytes) -> None:
    """Or directories, or another suffix."""
    safe = name_of(b"/p/" + name)
    header = attachment(safe)
    assert header.isascii() and header.isprintable() and header.count('"') == 2
    assert safe and not set(safe) & set('/\\"\r\n\u202e')


def test_a_zip_is_streamed_and_fetched_once(site: Site, tmp_path: Path) -> None:
    """Equal names get numbers; what cannot be read is listed."""
    bodies = {f"{n}-{'0' * 32}": os.urandom(300_000 * n) for n in (1, 2)}
    for content, body in bodies.items():
        (tmp_path / content).mkdir()
        (tmp_path / content / "a.jpg").write_bytes(body)

    def answer(params: dict[str, Any]) -> dict[str, Any]:
        content = params["content_id"]
        if content not in bodies:
            return error("not_found")
        return shown(tmp_path / content / "a.jpg", len(bodies[content]))

    site.daemon.answers["show"] = answer
    name = ask(site, "zip", contents=[*bodies, CONTENT])["name"]
    browser = site.entered()
    found = browser.get(f"/zip/{name}")
    assert found.headers["content-disposition"].startswith("attachment")
    with zipfile.ZipFile(io.BytesIO(found.content)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["a.jpg", "a (2).jpg", "missing.txt"]
        assert [archive.read(one) for one in archive.namelist()[:2]] == list(bodies.values())
    assert browser.get(f"/zip/{name}").status_code == 404
    names = [ask(site, "zip", contents=[CONTENT])["name"] for _ in range(MAX_ARCHIVES + 1)]
    assert browser.get(f"/zip/{names[0]}").status_code == 404


def test_dropped_pictures_are_read_by_a_decoder(site: Site, tmp_path: Path) -> None:
    """What it cannot read is not kept, and few are; the browser gets a re-encoded copy."""
    browser = site.entered()
    names = []
    for _ in range(MAX_DROPPED + 1):
        sent = browser.post("/api/dropped", headers=CHANGES, content=b"<svg onload='alert(1)'>")
        names.append(sent.json()["name"])
    assert browser.get(f"/dropped/{names[0]}").status_code == 404
    shown_again = browser.get(f"/dropped/{names[-1]}")
    assert shown_again.headers["content-type"] == "image/jpeg" and shown_again.content == jpeg()
    files = list((tmp_path / "dropped").iterdir())
    assert len(files) == MAX_DROPPED and all(file.stat().st_mode & 0o77 == 0 for file in files)
    site.daemon.answers["thumbnail"] = error("unreadable")
    answer = browser.post("/api/dropped", headers=CHANGES, content=b"no picture")
    assert answer.status_code == 422 and answer.json()["error"]["remedy"] == "the remedy"
    assert len(list((tmp_path / "dropped").iterdir())) == MAX_DROPPED


def test_requests_are_bounded(site: Site) -> None:
    """In length, depth and number of terms; unknown fields are refused."""
    browser = site.entered()
    for body in (
        b"{" * 200_000,
        b"[]",
        b"\xff",
        b'{"text": 1}',
        b'{"unknown": 1}',
        b'{"limit": 100000}',
        json.dumps({"terms": [{"text": "x"}] * 21}).encode(),
        json.dumps({"text": "x" * 10_001}).encode(),
        b" " * (MAX_BODY + 1),
    ):
        answer = browser.post("/api/query", headers=CHANGES, content=body)
        assert answer.status_code == 400, (body[:40], answer.text)
    assert browser.post("/api/nothing", headers=CHANGES).status_code == 404
    assert browser.post("/api/__init__", headers=CHANGES).status_code == 404
    assert not site.daemon.requests


def test_hostile_names_are_text(site: Site) -> None:
    """JSON leaves them as they are; the page puts them into text nodes."""
    name = "/p/</script><img src=x onerror=alert(1)>.jpg"
    site.daemon.answers["query"] = query_result(hit(name))
    answer = site.entered().post("/api/query", headers=CHANGES, json={"text": "x"})
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.json()["hits"][0]["path"] == name


def test_a_daemon_that_is_away_is_reported(site: Site) -> None:
    """With its remedy; the next request finds it again."""
    browser = site.entered()
    site.daemon.answers["query"] = error("warming", retry_after_ms=500)
    answer = browser.post("/api/query", headers=CHANGES, json={"text": "x"})
    assert answer.status_code == 503 and answer.json()["error"]["code"] == "warming"
    site.daemon.answers["query"] = b"not json\n"
    assert browser.post("/api/query", headers=CHANGES, json={"text": "x"}).status_code == 503
    site.daemon.answers["query"] = query_result()
    assert browser.post("/api/query", headers=CHANGES, json={"text": "x"}).status_code == 200


def test_the_rest_is_passed_on(site: Site, tmp_path: Path) -> None:
    """Pauses, failures, alerts, folders, counts, duplicates."""
    site.daemon.answers |= {
        "pause": {"paused": True, "paused_until": None},
        "resume": {"paused": False, "paused_until": None},
        "failures": {"failures": [], "retried": 3},
        "standing": {"standing": []},
        "standing_add": {"standing": {}, "new": True, "warnings": []},
        "standing_remove": {"removed": {}},
        "facets": {"query": "", "photos": 1, "convincing": True, "facets": {}, "warnings": []},
        "add": {"path": "/p", "path_b64": None, "state": "ok", "reason": None, "cloud": False},
        "remove": {"path": "/p", "path_b64": None, "photos": 1},
        "show": shown("/p/a.jpg", 1),
        "duplicates": [
            {"groups": [], "looked_at": 1, "of": 1},
            {"groups": 0, "photos": 0, "bytes": 0},
        ],
    }
    assert ask(site, "pause", seconds=60)["paused"] is True
    assert ask(site, "resume")["paused"] is False
    assert ask(site, "retry") == {"retried": 3} and ask(site, "failures")["failures"] == []
    assert ask(site, "alerts") == {"standing": []}
    ask(site, "alert-add", text="dog", kind="link", directory=str(tmp_path))
    ask(site, "alert-remove", id=4)
    assert ask(site, "facets", text="dog")["photos"] == 1
    ask(site, "folder-add", path="~/Pictures")
    ask(site, "folder-remove", path="x", path_b64="L3Av/w==")
    assert ask(site, "photo", content=CONTENT)["path"] == "/p/a.jpg"
    assert site.daemon.params("standing_add")[0]["directory"] == str(tmp_path)
    assert site.daemon.params("add")[0]["path"] == str(Path("~/Pictures").expanduser())
    assert site.daemon.params("remove")[0]["path_b64"] == "L3Av/w=="
    answer = site.entered().post("/api/duplicates", headers=CHANGES, json={"near": True})
    assert [json.loads(line)["looked_at"] for line in answer.text.splitlines()] == [1]
    assert site.daemon.params("duplicates") == [{"near": True}]


def test_paths_are_completed(site: Site, tmp_path: Path) -> None:
    """Directories only; hidden ones if asked for; an unreadable place has none."""
    for name in ("photos", "Pictures", ".hidden", "other"):
        (tmp_path / name).mkdir()
    (tmp_path / "picture.jpg").touch()
    assert ask(site, "complete", path=f"{tmp_path}/p")["paths"] == [
        f"{tmp_path}/Pictures/",
        f"{tmp_path}/photos/",
    ]
    assert ask(site, "complete", path=f"{tmp_path}/.h")["paths"] == [f"{tmp_path}/.hidden/"]
    assert ask(site, "complete", path="/nowhere/x")["paths"] == []
    assert ask(site, "complete", path="relative/x")["paths"] == []
