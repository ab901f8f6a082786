"""Nothing is sent without consent, beyond the budget, or from a folder that is not marked."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from photosd.core.errors import CloudNotPermitted, FolderError
from tests.conftest import ENCODER_STANDS_IN
from tests.gemini.conftest import MARKED, Cloudy
from tests.gemini.fake_gemini import KEY, Answer, Request, error, quota, wait_for


@pytest.fixture(scope="module")
def cloudy(make_cloudy: Callable[..., Cloudy]) -> Cloudy:
    """A home with a key and gemini mode in the environment, and marked photos."""
    made = make_cloudy(prelude=ENCODER_STANDS_IN, GEMINI_API_KEY=KEY, EMBEDDING_MODE="gemini")
    made.paint()
    return made


def test_a_key_and_a_mode_without_consent_send_nothing(cloudy: Cloudy) -> None:
    """A later question, which is permitted, is the first that arrives."""
    cloudy.set(mode="gemini")
    result = cloudy.query("a secret")
    assert (result["mode_used"], result["fallback_reason"]) == ("local", "consent")
    for mode in ("hybrid", "gemini"):
        with pytest.raises(CloudNotPermitted):
            cloudy.query("a secret", mode=mode)
    with pytest.raises(CloudNotPermitted):
        cloudy.call("cloud_check")
    with pytest.raises(CloudNotPermitted, match="terms are not"):
        cloudy.call("cloud_enable", mode="gemini", digest="guessed")
    ran = cloudy.run("cloud", "enable", "gemini")
    assert ran.returncode == 6 and "not enabled" in ran.stderr
    assert any("no consent" in warning for warning in cloudy.call("status")["warnings"])
    status = cloudy.status()
    assert (status["mode"], status["wanted"], status["key"]) == (
        "local",
        "gemini",
        "GEMINI_API_KEY",
    )
    cloudy.enable("hybrid")
    wait_for(lambda: cloudy.query("snow", mode="hybrid")["mode_used"] == "hybrid")
    arrived = {request.body["contents"][-1]["parts"][-1]["text"] for request in _sent(cloudy)}
    assert arrived == {"snow"}


def test_consent_to_words_is_none_to_pictures(cloudy: Cloudy) -> None:
    """And whatever was agreed to holds for one address."""
    cloudy.enable("hybrid")
    assert cloudy.query("snow")["fallback_reason"] == "consent"  # EMBEDDING_MODE wants gemini
    with pytest.raises(CloudNotPermitted):
        cloudy.query("snow", mode="gemini")
    cloudy.set(base_url=cloudy.trap.url)
    with pytest.raises(CloudNotPermitted, match="not for"):
        cloudy.query("ice", mode="hybrid")
    cloudy.set(base_url=cloudy.gemini.url)
    wait_for(lambda: cloudy.query("sea", mode="hybrid")["mode_used"] == "hybrid")
    assert cloudy.gemini.images == []


def test_only_marked_folders_are_sent(cloudy: Cloudy) -> None:
    """What is painted in another marked folder comes after it, and arrives alone."""
    cloudy.run("cloud", "enable", "gemini", "--yes")
    wait_for(lambda: cloudy.status()["photos_sent"] == len(MARKED))
    assert len(cloudy.gemini.images) == len(MARKED)
    cloudy.run("add", "--no-cloud", str(cloudy.marked))
    _paint_one(cloudy, "late.jpg")
    other = cloudy.directory / "other"
    other.mkdir()
    _paint(other / "later.jpg")
    cloudy.call("add", path=str(other), cloud=True)
    cloudy.daemon.index()
    cloudy.call("add", path=str(other), cloud=True)  # now that it is indexed
    wait_for(lambda: len(cloudy.gemini.images) > len(MARKED))
    assert len(cloudy.gemini.images) == len(MARKED) + 1
    cloudy.run("add", "--cloud", str(cloudy.marked))
    wait_for(lambda: len(cloudy.gemini.images) == len(MARKED) + 2)
    assert cloudy.status()["photos_marked"] == len(MARKED) + 2
    with pytest.raises(FolderError):
        cloudy.call("add", path=str(cloudy.marked))


def test_what_is_spent_is_spent(cloudy: Cloudy) -> None:
    """The budget ends queries and photos alike; every call is in the log, with its price."""
    spent = cloudy.status()["spent_usd"]
    calls = cloudy.call("cloud_log", limit=1000)["calls"]
    assert spent == pytest.approx(sum(call["usd"] for call in calls), abs=1e-6)
    assert {call["kind"] for call in calls} >= {"rewrite", "embed_photos"}
    assert sum(call["items"] for call in calls if call["kind"] == "embed_photos") == 5
    cloudy.set(budget_usd=spent)
    asked = len(cloudy.gemini.requests)
    assert cloudy.query("a new question")["fallback_reason"] == "budget"
    _paint_one(cloudy, "later.jpg")
    wait_for(lambda: (cloudy.status()["trouble"] or {}).get("message", "").startswith("the budget"))
    assert len(cloudy.gemini.requests) == asked
    cloudy.set(budget_usd=2)
    wait_for(lambda: cloudy.status()["photos_sent"] == 6)
    assert cloudy.run("cloud", "log").stdout.count("embed_photos") >= 3


def test_a_photo_that_gemini_refuses_is_left_out(cloudy: Cloudy) -> None:
    """The others of its batch are not; nor is anything given up when everything is refused."""
    refusal = error(400, "INVALID_ARGUMENT", "cannot process image")
    cloudy.gemini.answers.extend([refusal])  # it; then a picture without a fault is tried
    _paint_one(cloudy, "odd.jpg")
    wait_for(lambda: cloudy.status()["photos_refused"] == 1)
    assert cloudy.status()["trouble"] is None
    cloudy.gemini.always = refusal
    _paint_one(cloudy, "plain.jpg")
    wait_for(lambda: cloudy.status()["trouble"])
    assert cloudy.status()["photos_refused"] == 1
    cloudy.fresh()
    wait_for(lambda: cloudy.status()["photos_sent"] == 7)


def test_the_server_says_when(cloudy: Cloudy) -> None:
    """A pause that Gemini asks for is kept, also by a photo that comes meanwhile."""
    cloudy.gemini.always = quota("3600s")
    _paint_one(cloudy, "early.jpg")
    wait_for(lambda: cloudy.status()["trouble"])
    asked = len(cloudy.gemini.requests)
    cloudy.gemini.always = None
    cloudy.run("add", "--cloud", str(cloudy.marked))
    assert cloudy.status()["trouble"]  # it is kept until the pause is over
    assert len(cloudy.gemini.requests) == asked
    cloudy.fresh()  # a person changed something
    wait_for(lambda: cloudy.status()["photos_sent"] == 8)


def test_off_is_off(cloudy: Cloudy) -> None:
    """Also for what is under way; the process that sends is gone."""
    asked = len(cloudy.gemini.requests)
    cloudy.gemini.always = Answer(after=4)
    _paint_one(cloudy, "under way.jpg")
    wait_for(lambda: len(cloudy.gemini.requests) > asked)
    cloudy.run("cloud", "disable")
    cloudy.gemini.always = None
    asked = len(cloudy.gemini.requests)
    assert cloudy.query("snow and ice")["fallback_reason"] == "consent"
    wait_for(lambda: not _senders(cloudy))
    assert len(cloudy.gemini.requests) == asked
    assert cloudy.status()["photos_sent"] == 8


def _senders(cloudy: Cloudy) -> list[psutil.Process]:
    children = psutil.Process(cloudy.daemon.process.pid).children()
    return [child for child in children if "photosd.gemini" in child.cmdline()]


def test_forgotten_is_gone_from_the_disk(cloudy: Cloudy) -> None:
    """The very bytes of every vector, of photos and of questions, and the captions."""
    cloudy.enable("gemini")
    cloudy.gemini.translations["a white field"] = ["CaptionThatNobodyElseWrites"]
    wait_for(lambda: cloudy.query("a white field", mode="hybrid")["mode_used"] == "hybrid")
    wait_for(lambda: cloudy.query("something white")["mode_used"] == "gemini")
    wait_for(lambda: cloudy.status()["photos_sent"] == 9)
    needles = _vectors(cloudy)
    there = {needle for needle in needles if any(needle in data for data in _files(cloudy))}
    assert len(there) >= 9
    ran = cloudy.run("cloud", "forget", "--yes")
    assert ran.returncode == 0 and "9 vectors deleted" in ran.stdout
    for data in _files(cloudy):
        assert not any(needle in data for needle in needles)
    assert not cloudy.home.cloud.exists()
    assert not cloudy.home.cloud.with_name("cloud.forgotten").exists()
    assert cloudy.query("something white")["fallback_reason"] == "consent"
    cloudy.daemon.stop()
    assert not cloudy.home.cloud.exists(), "nothing under way brings it back"
    for data in _files(cloudy):
        assert not any(needle in data for needle in needles)


def test_a_kill_while_forgetting_is_finished_by_the_next_start(cloudy: Cloudy) -> None:
    left = cloudy.home.cloud.with_name("cloud.forgotten")
    (left / "vectors_x.lance").mkdir(parents=True)
    cloudy.daemon.restart()
    cloudy.daemon.wait_until("ready")
    assert not left.exists()


def _vectors(cloudy: Cloudy) -> list[bytes]:
    """The bytes of every vector that Gemini has given, as the table holds them (float32)."""
    from tests.gemini.fake_gemini import embed

    needles = []
    for request in cloudy.gemini.asked(":batchEmbedContents"):
        for one in request.body["requests"]:
            vector = embed(one["content"], one["outputDimensionality"])
            exact = (vector / np.linalg.norm(vector)).astype(np.float32)
            needles.append(exact[100:110].tobytes())
    return needles


def _files(cloudy: Cloudy) -> list[bytes]:
    return [file.read_bytes() for file in cloudy.directory.rglob("*") if file.is_file()]


def _sent(cloudy: Cloudy) -> list[Request]:
    """Every question that has arrived."""
    return cloudy.gemini.asked(":generateContent")


def _paint(file: Path) -> None:
    from PIL import Image

    Image.new("RGB", (700, 500), tuple(os.urandom(3))).save(file)


def _paint_one(cloudy: Cloudy, name: str) -> None:
    """One more photo in the marked folder, noticed and indexed."""
    _paint(cloudy.marked / name)
    with cloudy.daemon.client(timeout=60) as client:
        list(client.stream("rescan", {"wait": True}))
    cloudy.call("add", path=str(cloudy.marked), cloud=_is_marked(cloudy))


def _is_marked(cloudy: Cloudy) -> bool:
    folders: list[dict[str, Any]] = cloudy.call("folders")["folders"]
    return any(f["cloud"] for f in folders if Path(f["path"]) == cloudy.marked)
