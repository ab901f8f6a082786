"""`photosd doctor --cloud` says what is wrong with Gemini; without it no check uses a network."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from photosd.doctor import process
from photosd.doctor.context import CheckContext
from photosd.doctor.finding import Finding
from tests.conftest import ENCODER_STANDS_IN
from tests.gemini.conftest import Cloudy
from tests.gemini.fake_gemini import BAD_KEY, FORBIDDEN, GONE, KEY, Answer


@pytest.fixture(scope="module")
def cloudy(make_cloudy: Callable[..., Cloudy]) -> Cloudy:
    made = make_cloudy(prelude=ENCODER_STANDS_IN)
    made.put_key()
    return made


def cloud_findings(cloudy: Cloudy) -> dict[str, Finding]:
    """What the doctor says of the cloud, by check."""
    found = {one.check: one for one in process.cloud(CheckContext(cloudy.home))}
    assert KEY not in str(found)
    return found


def test_it_tries_nothing_without_consent(cloudy: Cloudy) -> None:
    found = cloud_findings(cloudy)
    assert found["cloud"].verdict == "warning"
    assert found["cloud"].remedy == "photosd cloud enable hybrid"
    assert cloudy.gemini.requests == []


def test_all_is_well(cloudy: Cloudy) -> None:
    """Key, address, model, and in gemini the vectors; with nothing of the user's."""
    cloudy.enable("hybrid")
    found = cloud_findings(cloudy)
    assert [found[name].verdict for name in ("cloud key", "cloud address", "cloud text")] == [
        "ok"
    ] * 3
    cloudy.enable("gemini")
    found = cloud_findings(cloudy)
    assert "two vectors of 768 numbers" in found["cloud photos"].says
    assert "768 numbers" in found["cloud query"].says
    prices = found.pop("cloud prices")  # its verdict depends on the day
    assert prices.says.startswith("models and prices were read on")
    assert all(one.verdict == "ok" for one in found.values())
    assert max(map(len, cloudy.gemini.images)) < 1000
    ran = cloudy.run("doctor", "--cloud")
    assert ran.returncode == 0 and "two vectors of 768 numbers" in ran.stdout
    assert {call["kind"] for call in cloudy.call("cloud_log")["calls"]} == {"check"}


@pytest.mark.parametrize(
    ("answer", "check", "says"),
    [
        (BAD_KEY, "cloud query", "API key not valid"),
        (FORBIDDEN, "cloud query", "403"),
        (GONE, "cloud version", "v1"),
        (Answer(dimensions=256), "cloud photos", "[256] numbers instead of 768"),
        (Answer(missing=1), "cloud photos", "1 vectors for 2"),
        (Answer(scale=2), "cloud query", "not unit vectors"),
    ],
)
def test_what_is_wrong_has_a_remedy(cloudy: Cloudy, answer: Answer, check: str, says: str) -> None:
    cloudy.gemini.always = answer
    found = cloud_findings(cloudy)
    cloudy.gemini.always = None
    assert found[check].verdict == "fault"
    assert says in found[check].says
    assert found[check].remedy


def test_an_address_without_a_server(cloudy: Cloudy) -> None:
    cloudy.set(base_url="http://127.0.0.1:9")
    cloudy.enable("gemini")
    found = cloud_findings(cloudy)
    assert found["cloud address"].verdict == "fault"
    assert "cannot be reached" in found["cloud address"].says
    cloudy.set(base_url=cloudy.gemini.url)
    cloudy.enable("gemini")


def test_a_key_that_others_may_read(cloudy: Cloudy) -> None:
    file = cloudy.home.config / "gemini.key"
    file.chmod(0o644)
    found = cloud_findings(cloudy)
    assert "other users can read" in found["cloud key"].says
    assert (found["cloud key"].remedy or "").startswith("chmod 600")
    file.chmod(0o600)


@pytest.mark.slow
def test_no_other_check_uses_the_network(cloudy: Cloudy) -> None:
    """With the cloud on: neither the daemon nor the doctor's own process."""
    assert cloudy.status()["mode"] == "gemini"
    asked = len(cloudy.gemini.requests)
    site = cloudy.directory / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(
        "import socket, sys\n"
        "def watch(event, arguments):\n"
        "    if event == 'socket.__new__' and arguments[1] not in (socket.AF_UNIX, -1):\n"
        "        raise SystemExit('a network socket')\n"
        "    if event == 'socket.getaddrinfo':\n"
        "        raise SystemExit('a name look-up')\n"
        "sys.addaudithook(watch)\n"
    )
    ran = cloudy.run("doctor", "--json", site=str(site))
    assert json.loads(ran.stdout)["healthy"], ran.stdout
    assert not [f for f in json.loads(ran.stdout)["findings"] if "network socket" in f["says"]]
    assert len(cloudy.gemini.requests) == asked
