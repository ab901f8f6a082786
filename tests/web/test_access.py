"""Foreign requests are refused, whatever they ask for; each answer forbids what it can."""

from __future__ import annotations

import re
from typing import Any

import pytest

from photosd_cli.web.security import (
    MAX_SESSIONS,
    MAX_TRIES,
    OPEN_PATHS,
    Access,
    host_of,
    is_allowed_host,
)
from tests.cli.stub import hit, query_result
from tests.web.conftest import CHANGES, CONTENT, COOKIE, Site

PATHS = (
    "/",
    "/api/events",
    f"/picture/{CONTENT}/320",
    f"/original/{CONTENT}",
    "/zip/x",
    "/dropped/x",
    "/static/main.js",
    "/nothing",
)
PASSPHRASE = "a long pass phrase"


def test_the_code_works_once(site: Site) -> None:
    """It becomes a cookie that scripts and other sites cannot use."""
    browser = site.browser()
    assert browser.get("/enter?code=guess").status_code == 403
    entered = browser.get(f"/enter?code={site.access.code}", headers={"sec-fetch-site": "none"})
    assert entered.status_code == 200
    cookie = entered.headers["set-cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
    assert "Domain" not in cookie and "expires" not in cookie.lower()
    assert browser.get("/").status_code == 200
    again = site.browser()
    assert again.get(f"/enter?code={site.access.code}").status_code == 403
    assert not again.cookies
    assert again.get(f"/picture/{CONTENT}/320").status_code == 401


@pytest.mark.parametrize("path", PATHS)
def test_without_the_cookie_nothing_is_shown(site: Site, path: str) -> None:
    """An invented one, or one of another port, is none."""
    for cookies in ({}, {COOKIE: "invented"}, {"photosd-9999": "x"}):
        browser = site.browser()
        for name, value in cookies.items():
            browser.cookies.set(name, value)
        answer = browser.get(path)
        assert answer.status_code == 401 if path != "/" else answer.headers["location"] == "/login"
        assert browser.post("/api/query", headers=CHANGES, json={}).status_code == 401
    assert not site.daemon.requests


@pytest.mark.parametrize("path", PATHS + OPEN_PATHS)
def test_every_answer_has_the_headers(site: Site, path: str) -> None:
    """Also the answers of pages that do not exist, and refusals."""
    for browser in (site.browser(), site.entered()):
        if path == "/api/events":
            continue  # endless; its headers are added at the same place
        headers = browser.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy and "form-action 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert not [name for name in headers if name.startswith("access-control-")]
        assert "public" not in headers["cache-control"]
        assert "server" not in headers


def test_only_pictures_are_kept_by_the_browser(site: Site) -> None:
    """For an hour, by this browser only; everything else is requested again."""
    browser = site.entered()
    picture = browser.get(f"/picture/{CONTENT}/320")
    assert picture.headers["cache-control"] == "private, max-age=3600"
    tag = {"if-none-match": picture.headers["etag"]}
    assert browser.get(f"/picture/{CONTENT}/320", headers=tag).status_code == 304
    assert browser.get("/").headers["cache-control"] == "no-store"
    assert browser.get(f"/picture/{CONTENT}/321").headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("127.0.0.1:8000", True),
        ("localhost:9", True),
        ("LOCALHOST", True),
        ("[::1]:8000", True),
        ("192.168.1.9:8000", True),
        ("box.example:8000", True),
        ("evil.example", False),
        ("127.0.0.1.evil.example:8000", False),
        ("localhost.evil.example", False),
        ("evil.example:80@127.0.0.1", False),
        ("[::1", False),
        ("[::1]x", False),
        ("127.0.0.1:8000:1", False),
        ("", False),
        ("127.0.0.1 evil.example", False),
    ],
)
def test_names_that_may_be_another_sites_are_refused(site: Site, host: str, allowed: bool) -> None:
    """DNS rebinding: a name that an attacker lets resolve to this computer."""
    assert is_allowed_host(host, {"box.example"}) is allowed
    answer = site.entered().get("/static/main.js", headers={"host": host})
    assert (answer.status_code == 200) is allowed
    if not allowed:
        assert answer.status_code == 421 and "--allow-host" in answer.text


def test_the_name_in_a_host() -> None:
    assert host_of("[::1]:8000") == "::1" and host_of("a.B:1") == "a.b" and host_of(":80") is None


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "http://127.0.0.1:9999"},  # another program of this computer
        {"origin": "https://127.0.0.1:8000"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_other_sites_are_refused(site: Site, headers: dict[str, str]) -> None:
    """Although the browser would send the cookie."""
    browser = site.entered()
    assert browser.get(f"/picture/{CONTENT}/320", headers=headers).status_code == 403
    answer = browser.post("/api/pause", headers={**CHANGES, **headers}, json={})
    assert answer.status_code == 403
    assert not site.daemon.requests


def test_a_form_of_another_site_changes_nothing(site: Site) -> None:
    """It cannot send the header, whatever its type; nothing changes by GET."""
    browser = site.entered()
    site.daemon.answers["pause"] = {"paused": True, "paused_until": None}
    bodies: list[dict[str, Any]] = [{"data": {"a": "b"}}, {"content": b"{}"}, {"json": {}}]
    for sent in bodies:
        assert browser.post("/api/pause", **sent).status_code == 403
    assert browser.get("/api/pause").status_code == 405
    for method in ("PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"):
        answer = browser.request(method, "/api/pause", headers=CHANGES)
        assert answer.status_code == 405
        assert "access-control-allow-origin" not in answer.headers
    assert not site.daemon.requests
    same = {**CHANGES, "origin": "http://127.0.0.1:8000", "sec-fetch-site": "same-origin"}
    assert browser.post("/api/pause", headers=same, json={}).status_code == 200


def test_a_pass_phrase_is_needed_from_elsewhere(site: Site) -> None:
    """Guessing stops after some tries; the sender of the right one then waits, too."""
    browser = site.browser(peer="192.168.1.7", origin="http://192.168.1.5:8000")
    assert browser.get("/").headers["location"] == "/login"
    assert browser.get("/login").status_code == 200
    assert browser.post("/login", headers=CHANGES, content=PASSPHRASE).status_code == 200
    assert browser.get("/").status_code == 200
    other = Access(PASSPHRASE)
    assert [other.with_passphrase(f"guess {n}") for n in range(MAX_TRIES)] == [None] * MAX_TRIES
    assert other.with_passphrase(PASSPHRASE) is None


def test_without_a_pass_phrase_there_is_no_login() -> None:
    """The empty one is none."""
    access = Access()
    assert not access.takes_passphrase
    assert access.with_passphrase("") is None and access.with_passphrase("None") is None
    assert not access.knows("")


def test_other_computers_change_nothing_on_this_one(site: Site) -> None:
    """They search; folders, albums and the file manager are for this computer."""
    browser = site.entered(peer="192.168.1.7")
    for name in ("folder-add", "folder-remove", "complete", "reveal", "alert-add"):
        answer = browser.post(f"/api/{name}", headers=CHANGES, json={"path": "/"})
        assert answer.status_code == 403, name
    assert not site.daemon.requests
    site.daemon.answers["query"] = query_result(hit("/p/a.jpg"))
    assert browser.post("/api/query", headers=CHANGES, json={"text": "a"}).status_code == 200


def test_ten_thousand_requests(site: Site) -> None:
    """Nothing grows with them: neither sessions nor codes."""
    browser = site.browser()
    for _ in range(100):
        browser.get("/enter?code=wrong")
    for _ in range(10_000):
        assert site.access.with_code("wrong") is None
        site.access.with_passphrase(PASSPHRASE)
    assert len(site.access._sessions) == MAX_SESSIONS  # noqa: SLF001


def test_no_text_of_the_page_is_a_script() -> None:
    """The policy forbids what is inline; so there is nothing inline, and nothing from elsewhere."""
    from photosd_cli.web.app import STATIC

    for file in STATIC.iterdir():
        text = file.read_text()
        assert "innerHTML" not in text and "eval(" not in text and "document.write" not in text
        assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text), file
        if file.suffix == ".html":
            assert not re.search(r"<script(?![^>]*src=)|<style| style=| on\w+=", text), file
