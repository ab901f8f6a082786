"""`photosd demo`: its pictures, and the care it takes of everything that is not its own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from photosd.core.errors import DeadlineExceeded, EncoderUnavailable
from photosd.models.spec import STARTER
from photosd_cli import lifecycle
from photosd_cli.commands import demo
from tests.cli.conftest import Photosd
from tests.cli.stub import hit, query_result, status_result

PIL = pytest.importorskip("PIL.Image")


def test_every_question_has_its_picture(tmp_path: Path) -> None:
    """Ten questions, "sunset" and two in Hebrew among them, and one for later; every picture can be
    opened.
    """
    pytest.importorskip("skimage")
    assert demo.copy_pictures(tmp_path) == demo.QUESTIONS
    pictures = [*tmp_path.iterdir(), demo.PICTURES / demo.LATECOMER]
    assert len(demo.QUESTIONS) == 10
    assert sum(not question.isascii() for question in demo.QUESTIONS) == 2
    assert demo.QUESTIONS["sunset"] == "sunset.jpg"
    for picture in pictures:
        with PIL.open(picture) as opened:
            opened.load()


def test_without_scikit_image_our_own_pictures_remain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is a development dependency."""
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    asked = demo.copy_pictures(tmp_path)
    ours = {picture.name for picture in demo.PICTURES.iterdir()} - {demo.LATECOMER}
    assert {picture.name for picture in tmp_path.iterdir()} == ours
    assert "sunset" in asked and "a cat" not in asked


def test_the_home_is_temporary_and_the_environment_is_put_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also when the demo fails half-way."""
    monkeypatch.setenv("PHOTOSD_HOME", "/my/own")
    monkeypatch.setenv("PHOTOSD_SOCKET", "/my/own.sock")
    stopped = []
    monkeypatch.setattr(lifecycle, "stop", lambda: stopped.append(os.environ["PHOTOSD_HOME"]))
    with pytest.raises(ZeroDivisionError), demo.home_of_its_own() as home:
        assert os.environ["PHOTOSD_HOME"] == str(home)
        assert "PHOTOSD_SOCKET" not in os.environ
        raise ZeroDivisionError
    assert stopped == [str(home)]
    assert not home.exists()
    assert os.environ["PHOTOSD_HOME"] == "/my/own"
    assert os.environ["PHOTOSD_SOCKET"] == "/my/own.sock"


class FakeClient:
    """Answers the scenario's questions as told."""

    def __init__(self, wrong: tuple[str, ...] = (), encoder_pid: int = 2**30) -> None:
        self._wrong = wrong
        self._pid = encoder_pid

    def query(self, text: str, limit: int) -> object:
        name = demo.QUESTIONS.get(text, demo.LATECOMER)
        return query_result(hit(f"/p/{'no.jpg' if text in self._wrong else name}"))

    def status(self) -> object:
        return status_result()


@pytest.mark.parametrize(
    ("wrong", "right"), [((), 10), (("a cat",), 9), (("sunset", "a cat", "a motorcycle"), 7)]
)
def test_right_answers_are_counted(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, wrong: tuple[str, ...], right: int
) -> None:
    """A tick where the right picture is first."""
    client = FakeClient(wrong)
    assert len(demo.run_questions(client, demo.QUESTIONS, ())) == right  # type: ignore[arg-type]
    out = capsys.readouterr().out
    assert (out.count("✓"), out.count("✗")) == (right, 10 - right)


@pytest.mark.parametrize(
    ("right", "sunset", "code"), [(10, True, 0), (8, True, 0), (7, True, 1), (9, False, 1)]
)
def test_the_exit_code_is_the_verdict(
    photosd: Photosd, monkeypatch: pytest.MonkeyPatch, right: int, sunset: bool, code: int
) -> None:
    """Eight of ten, "sunset" among them."""
    answered = [*(["sunset"] if sunset else []), *("a cat",) * right][:right]
    monkeypatch.setattr(demo, "run_demo", lambda *_: (10, answered))
    assert photosd("demo").code == code


def test_a_model_that_cannot_be_used_fails_with_its_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Not with ten wrong answers."""
    monkeypatch.setattr(lifecycle, "start", lambda: True)
    monkeypatch.setattr(
        lifecycle,
        "status",
        lambda wait: status_result("degraded", warnings=["the model is damaged"]),
    )
    with pytest.raises(EncoderUnavailable, match="the model is damaged"):
        demo.start()


def test_a_new_photo_that_is_never_found_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within a limit."""
    monkeypatch.setattr(demo, "NOTICED_SECONDS", 0.2)
    with pytest.raises(DeadlineExceeded):
        demo.add_one_more(FakeClient(("a sunflower",)), tmp_path)  # type: ignore[arg-type]


def test_a_folder_that_is_not_there_is_a_usage_error(photosd: Photosd) -> None:
    """Before anything is started."""
    assert photosd("demo", "--photos", "/no/such/folder").code == 2


@pytest.fixture
def starter() -> Iterator[None]:
    """The shipped model, without which there is no demo."""
    if not (STARTER / "model.json").exists():
        pytest.skip("the starter model is not built yet")
    yield


@pytest.mark.slow
def test_the_demo_itself(photosd: Photosd, starter: None) -> None:
    """What a newcomer runs first, whole."""
    ran = photosd("demo")
    assert ran.code == 0, ran
    assert "replaced and warm again" in ran.out
    assert "it works" in ran.out
