"""Gemini as it is now: nothing stored, nothing deprecated, thinking paid for, prices and terms."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest

from photosd.core import typed
from photosd.core.config import GEMINI, OLD_DAYS, CloudSettings
from photosd.core.errors import CloudNotPermitted, CloudUnavailable, StorageError
from photosd.core.paths import Home
from photosd.doctor import process
from photosd.gemini import consent, rewriter
from photosd.gemini.answer_cache import AnswerCache
from photosd.gemini.consent import EDITION, FILE, ConsentFile, digest, terms_of
from photosd.gemini.environment import Environment
from photosd.gemini.gate import Charge, Gate
from photosd.gemini.gemini import Gemini as CloudItself
from photosd.gemini.keys import Key
from photosd.gemini.ledger import Ledger
from photosd.gemini.sdk import GeminiSdk
from photosd.gemini.worker_messages import Written
from photosd.index.database import Database
from photosd_cli.commands import cloud as cloud_command
from tests.conftest import ROOT
from tests.gemini.fake_gemini import KEY, Answer, FakeGemini, written


@pytest.fixture(scope="module")
def gemini() -> Iterator[FakeGemini]:
    with FakeGemini() as server:
        yield server


def write(gemini: FakeGemini) -> Written:
    settings = CloudSettings(base_url=gemini.url)
    client = GeminiSdk(Key(KEY, "a test"), settings)
    found = client.write(settings.text_model, rewriter.INSTRUCTION, "sea", rewriter.SCHEMA, 20)
    client.close()
    return found


def test_nothing_is_stored_and_nothing_deprecated_is_sent(gemini: FakeGemini) -> None:
    """`store` false goes with each text request; `temperature` and its like do not."""
    write(gemini)
    request = gemini.asked(":generateContent")[-1]
    assert request.body["store"] is False
    assert request.path.startswith("/v1/models/")
    config = request.body["generationConfig"]
    assert not {"temperature", "topP", "topK", "candidateCount"} & set(config)


def test_it_is_warm_before_the_first_query(
    gemini: FakeGemini, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The SDK's first call takes ten times as long as the next: it is made here, and not sent."""
    made: list[str] = []
    really = httpx2.MockTransport.handle_request

    def recorded(transport: httpx2.MockTransport, request: httpx2.Request) -> httpx2.Response:
        made.append(request.url.path.rpartition(":")[2])
        return really(transport, request)

    monkeypatch.setattr(httpx2.MockTransport, "handle_request", recorded)
    before = len(gemini.requests)
    GeminiSdk(Key(KEY, "a test"), CloudSettings(base_url=gemini.url)).close()
    assert made[0] == "generateContent" and "mbed" in made[1]
    assert len(gemini.requests) == before
    write(gemini)
    assert len(gemini.requests) == before + 1


def test_thinking_is_paid_for(gemini: FakeGemini) -> None:
    """Tokens that the model thinks cost what it writes; 900 of them were booked as nothing."""
    answer = written('{"prompts": ["the sea"]}')
    assert isinstance(answer, dict)
    answer["usageMetadata"] = {"promptTokenCount": 150, "thoughtsTokenCount": 900}
    gemini.answers.append(Answer(body=answer))
    assert write(gemini).tokens_out == 900
    answer["usageMetadata"]["candidatesTokenCount"] = 30
    gemini.answers.append(Answer(body=answer))
    found = write(gemini)
    assert (found.tokens_in, found.tokens_out) == (150, 930)
    assert found.usd(CloudSettings()) == pytest.approx(150 * 0.3e-6 + 930 * 2.5e-6)
    answer["usageMetadata"] = {}
    gemini.answers.append(Answer(body=answer))
    assert write(gemini).usd(CloudSettings()) is None


def test_the_version_is_that_of_the_sdk() -> None:
    """`v1`, which the decision gives as the reason."""
    from google.genai import _api_client

    assert CloudSettings().api_version == _api_client.GOOGLE_AI_API_DEFAULT_VERSION


def test_models_and_prices_have_one_place() -> None:
    """The settings begin with them, no other file of ours names a model."""
    for name in msgspec.structs.asdict(GEMINI).keys() - {"read", "source"}:
        assert getattr(CloudSettings(), name) == getattr(GEMINI, name)
    for source in [*ROOT.glob("daemon/**/*.py"), *ROOT.glob("cli/**/*.py")]:
        assert not re.search(r"gemini-\d|gemini-embedding", source.read_text()), source
    assert f"{GEMINI.read}" in (ROOT / "docs/how-to/use-gemini.md").read_text()


def test_the_doctor_says_when_prices_are_old() -> None:
    """A warning beyond 180 days, with what to do; not a day before."""
    late = GEMINI.read + datetime.timedelta(days=OLD_DAYS)
    (fresh,) = process.prices(GEMINI, late)
    (old,) = process.prices(GEMINI, late + datetime.timedelta(days=1))
    assert (fresh.verdict, old.verdict) == ("ok", "warning")
    assert str(GEMINI.read) in old.says and GEMINI.source in (old.remedy or "")


def test_the_terms_say_what_google_keeps() -> None:
    """Both modes, and the page: how long, who may read, what is stored by default, as of when."""
    page = (ROOT / "docs/explanation/privacy.md").read_text()
    for text in [
        *(" ".join(terms_of(mode, CloudSettings())) for mode in ("hybrid", "gemini")),
        page,
    ]:
        for said in ("55 days", "2026-10-26", "November 2026", "flagged", "unpaid tier"):
            assert said in text
        assert "with a paid one not" not in text.lower()


def test_consent_to_earlier_terms_is_none(tmp_path: Path) -> None:
    """Consent to the first edition does not count; the remedy is the command that renews it."""
    settings = CloudSettings()
    earlier = {"mode": "gemini", "base_url": settings.base_url, "terms": "0" * 16, "at": 1.8e9}
    (tmp_path / FILE).write_bytes(msgspec.json.encode(earlier))
    gate = Gate(tmp_path, settings, Ledger(Database(tmp_path / "catalog.db")), Environment())
    assert gate.consent.read().mode == "local"
    for mode in ("hybrid", "gemini"):
        with pytest.raises(CloudNotPermitted, match="terms have changed") as refused:
            gate.require(mode, "query")
        assert refused.value.remedy == f"photosd cloud enable {mode}"
    words = digest(terms_of("hybrid", settings))
    assert ConsentFile(tmp_path).give("hybrid", settings, words).edition == EDITION
    gate.require("hybrid", "query")
    with pytest.raises(CloudNotPermitted, match="no consent"):
        gate.require("gemini", "query")


# Other words that mean the same may stay in the edition: then only this line changes.
KNOWN = {EDITION: "900da254cfa0e86c"}


def test_other_terms_are_another_edition() -> None:
    """A change of the words about Google must decide whether users have to consent again."""
    assert KNOWN[EDITION] == digest(consent.WHAT_GOOGLE_DOES)


def test_outdated_consent_is_said(home: Home) -> None:
    """`photosd cloud status` and one line of `photosd status`: since when, and what helps."""
    home.config.mkdir(exist_ok=True)
    earlier = {
        "mode": "hybrid",
        "base_url": CloudSettings().base_url,
        "terms": "0" * 16,
        "at": 1.79e9,
    }
    (home.config / FILE).write_bytes(msgspec.json.encode(earlier))
    pool: Any = None
    with closing(Database(home.catalog)) as database:
        cloud = CloudItself(home, CloudSettings(mode="hybrid"), database, pool, Environment())
        report = cloud.report()
    page = "\n".join(cloud_command.page(report))
    assert "the terms have changed since the consent to hybrid on 2026-09-2" in page
    assert "photosd cloud enable hybrid" in page
    assert "terms have changed" in cloud_command.summary(report)


def test_the_doctor_says_why_the_cloud_is_closed(home: Home) -> None:
    """`photosd cloud enable`, which it named, helps with none of these."""
    pool: Any = None
    with closing(Database(home.catalog)) as database:
        cloud = CloudItself(home, CloudSettings(), database, pool, Environment(mode="off"))
        with pytest.raises(CloudNotPermitted, match="invalid value 'off'"):
            cloud.check()


def test_this_machine_is_not_asked_by_a_proxy(gemini: FakeGemini) -> None:
    """By http://localhost the key would stand in clear before it."""
    with FakeGemini() as proxy:
        settings = CloudSettings(base_url=gemini.url, proxy=proxy.url)
        with closing(GeminiSdk(Key(KEY, "a test"), settings)) as client:
            client.write(settings.text_model, rewriter.INSTRUCTION, "sea", rewriter.SCHEMA, 20)
        assert proxy.requests == []


@pytest.mark.parametrize(
    ("address", "good"),
    [
        ("https://generativelanguage.googleapis.com", True),
        ("http://127.0.0.1:8080", True),
        ("http://generativelanguage.googleapis.com", False),
        ("http://127.0.0.1.evil.example", False),
        ("http://192.168.1.2", False),
        ("ftp://localhost", False),
        ("https://user:secret@host", False),
    ],
)
def test_only_https_is_spoken_to_other_machines(address: str, good: bool) -> None:
    try:
        typed.convert({"base_url": address}, CloudSettings)
    except msgspec.ValidationError:
        assert not good
    else:
        assert good


def test_what_cannot_be_written_down_is_not_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(tmp_path, CloudSettings(), Ledger(Database(tmp_path / "catalog.db")), Environment())
    monkeypatch.setattr(gate, "require", lambda *_: None)
    monkeypatch.setattr(gate, "worker", lambda *_: None)

    def full(*_: object) -> int:
        raise StorageError("the disk is full", remedy="free some space")

    monkeypatch.setattr(gate.ledger, "begin", full)
    fields = {"kind": "rewrite", "mode": "hybrid", "model": "m", "items": 1, "bytes": 1, "usd": 0}
    fields["purpose"] = "query"
    charge = Charge(**{name: fields[name] for name in Charge.__struct_fields__})  # type: ignore[arg-type]
    sent: list[object] = []
    with pytest.raises(StorageError):
        gate.send(charge, sent.append)
    assert sent == []


def test_remembered_answers_are_hidden_by_their_question(tmp_path: Path) -> None:
    """The file shows neither question nor answer; the same question gets the answer."""
    question, answer = "my daughter at Sheba hospital", b'["a girl in a hospital bed"]'
    answers = AnswerCache(tmp_path / "cloud")
    answers.put("rewrite/1/m", question, answer, answers.generation)
    assert answers.get("rewrite/1/m", question) == answer
    assert answers.get("rewrite/1/m", question + "s") is None
    answers.close()
    assert (tmp_path / "cloud").stat().st_mode & 0o777 == 0o700
    kept = b"".join(file.read_bytes() for file in (tmp_path / "cloud").iterdir())
    for word in (b"daughter", b"Sheba", b"hospital", b"girl"):
        assert word not in kept


@pytest.mark.parametrize(
    "echo",
    [
        "Invalid value at contents[0]: {}",
        'the prompt "{}" was blocked by a policy',
        "task: search result | query: {}",
        json.dumps("\u05e9\u05dc\u05d5\u05dd")[1:-1] + " is a bad prompt",
    ],
)
def test_no_word_of_a_query_stands_in_an_error(
    gemini: FakeGemini, monkeypatch: pytest.MonkeyPatch, echo: str
) -> None:
    """Errors are logged, shown by `status`, and packed into bug reports."""
    text = "Daughter at Sheba_hospital \u05e9\u05dc\u05d5\u05dd"
    answer = {"error": {"code": 400, "message": echo.format(text.upper()), "status": "x"}}
    monkeypatch.setattr(gemini, "always", Answer(400, answer))
    with closing(GeminiSdk(Key(KEY, "a test"), CloudSettings(base_url=gemini.url))) as client:
        for call in (
            lambda: client.write("m", "i", text, {}, 5),
            lambda: client.embed_query("m", text, 768, 5),
        ):
            with pytest.raises(CloudUnavailable, match="400") as caught:
                call()
            said = str(caught.value).lower()
            for word in ("daughter", "sheba", "hospital", "\u05e9\u05dc\u05d5\u05dd", "\\u05e9"):
                assert word not in said


def test_half_a_key_is_no_key(gemini: FakeGemini, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is cut off is cut off after the key was taken out."""
    for length in range(280, 310, 5):
        message = f"{'x' * (length - len(KEY))} {KEY}"
        answer = {"error": {"code": 400, "message": message, "status": "x"}}
        monkeypatch.setattr(gemini, "always", Answer(400, answer))
        with (
            closing(GeminiSdk(Key(KEY, "a test"), CloudSettings(base_url=gemini.url))) as client,
            pytest.raises(CloudUnavailable) as caught,
        ):
            client.write("m", "i", "a dog", {}, 5)
        assert KEY[:8] not in str(caught.value)
