"""Another model takes over while queries run: none fails, none comes back empty."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from photosd.core.errors import NotFound, PhotosdError
from photosd.core.paths import Home
from photosd.encoder.install.model_spec import InstallOrder
from photosd.models.spec import STARTER
from tests.conftest import ENCODER_STANDS_IN, RunningDaemon
from tests.encoder.install.checkpoints import publish
from tests.encoder.install.test_import import photosd

PHOTOS = 12
TEXTS = ("sunset", "a dog", "the sea", "שקיעה", "people in a street")


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of models: two with random weights, `one` and `two`."""
    from photosd.encoder.install.installing import install

    root = tmp_path_factory.mktemp("shelf")
    for number, name in enumerate(("one", "two")):
        source = publish(root / f"source-{name}", seed=number)
        install(InstallOrder(str(root / "models"), name, source=str(source)), lambda _words: None)
    return root / "models"


@pytest.fixture
def folder(photos: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for file in sorted((photos / "library").glob("*.jpg"))[:PHOTOS]:
        shutil.copy(file, folder)
    return folder


@pytest.fixture
def daemon(home: Home, shelf: Path, folder: Path) -> Iterator[RunningDaemon]:
    """A daemon that has indexed the folder with the starter; two more models are installed."""
    shutil.copytree(shelf, home.models)
    running = RunningDaemon(home)
    running.wait_until("ready")
    assert running.index(folder)["failed"] == 0
    yield running
    running.stop()


class Asker(threading.Thread):
    """Asks always something new, and notes what was wrong with the answers."""

    def __init__(self, daemon: RunningDaemon, *, forgive: bool = False) -> None:
        super().__init__(daemon=True)
        self._daemon, self._forgive = daemon, forgive
        self.asked, self.wrong = 0, list[str]()
        self.models: list[str] = []
        self.enough = threading.Event()

    def more(self, number: int = 10) -> None:
        """Wait until it has asked so many times more."""
        limit, until = time.monotonic() + 60, self.asked + number
        while self.asked < until:
            assert time.monotonic() < limit
            time.sleep(0.02)

    def run(self) -> None:
        while not self.enough.wait(0.05):  # without a pause it would keep the machine busy
            self.asked += 1
            text = f"{TEXTS[self.asked % len(TEXTS)]} {self.asked}"
            try:
                answer: Any = self._daemon.query(text, 5)
            except PhotosdError as error:
                if not self._forgive:
                    self.wrong.append(f"{type(error).__name__}: {error}")
                time.sleep(0.05)
                continue
            if len(answer["hits"]) != 5 or answer["answered_by"] == "text_match":
                self.wrong.append(f"{answer['answered_by']}, {len(answer['hits'])} hits")
            if self.models[-1:] != [answer["model"]]:
                self.models.append(answer["model"])

    def __enter__(self) -> Asker:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.enough.set()
        self.join(10)


def use(daemon: RunningDaemon, name: str) -> None:
    with daemon.client() as client:
        client.config_set("encoder.model", name)


def model(daemon: RunningDaemon) -> Any:
    with daemon.client() as client:
        return client.model()


def wait_for(daemon: RunningDaemon, name: str, seconds: float = 90) -> None:
    limit = time.monotonic() + seconds
    while True:
        try:
            if (now := model(daemon))["serving"] == name:
                return
        except PhotosdError as error:
            now = error
        assert time.monotonic() < limit, (now, daemon.log()[-3000:])
        time.sleep(0.1)


def indexed(daemon: RunningDaemon) -> int:
    with daemon.client() as client:
        return int(client.status()["index"]["indexed"])


def test_queries_continue_while_models_change(daemon: RunningDaemon, folder: Path) -> None:
    """A switch that is cancelled, three that are not: every answer is whole, and photos that come
    meanwhile are found.
    """
    count = len(list(folder.iterdir()))
    with Asker(daemon) as first, Asker(daemon) as second:
        use(daemon, "one")
        assert model(daemon)["switch"]["model"] == "one"
        use(daemon, "starter")
        assert model(daemon)["switch"] is None
        for asker in (first, second):
            asker.more()
            assert set(asker.models) == {"starter"}
        use(daemon, "one")
        shutil.copy(folder / sorted(folder.iterdir())[0].name, folder / "copy.jpg")
        (folder / "new.png").write_bytes(next(folder.glob("*.jpg")).read_bytes() + b"\0")
        wait_for(daemon, "one")
        use(daemon, "two")
        wait_for(daemon, "two")
        use(daemon, "one")  # its vectors are there still
        wait_for(daemon, "one")
        for asker in (first, second):
            asker.more()
    for asker in (first, second):
        assert asker.wrong == [] and asker.asked > 20
        assert asker.models == ["starter", "one", "two", "one"]
    assert daemon.index()["indexed"] == count + 2
    answer: Any = daemon.query("anything", 100)
    assert {Path(hit["path"]).name for hit in answer["hits"]} >= {"new.png"}  # a copy is folded
    status: Any = daemon.wait_until("ready")
    assert status["encoder"]["model"] == "one" and status["switch"] is None


@pytest.mark.slow
def test_a_model_that_cannot_load_changes_nothing(daemon: RunningDaemon, home: Home) -> None:
    """The error is in the status, with its remedy, and the present model answers."""
    weights = home.models / "one" / "weights.safetensors"
    data = bytearray(weights.read_bytes())
    data[-4000:] = bytes([255]) * 4000  # not finite
    weights.write_bytes(bytes(data))
    with Asker(daemon) as asker:
        use(daemon, "one")
        limit = time.monotonic() + 60
        while (now := model(daemon))["switch"]["error"] is None:
            assert time.monotonic() < limit, now
            time.sleep(0.1)
    assert asker.wrong == [] and asker.models == ["starter"]
    assert now["switch"]["error"]["remedy"]
    with pytest.raises(NotFound, match="not installed"):
        use(daemon, "nothing")


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_kill_9_at_ten_points_recovers(daemon: RunningDaemon, folder: Path) -> None:
    """Each time what is there answers, and in the end the new model has seen every photo."""
    targets = ["one", "two"]
    kills = 0
    for number in range(10):
        target = targets[number % 2]
        use(daemon, target)
        time.sleep(0.15 * number)  # from the first moment to past the flip
        daemon.kill()
        kills += 1
        daemon.restart()
        daemon.wait_until("ready")
        answer: Any = daemon.query(f"sunset {number}", 5)
        assert len(answer["hits"]) == 5, (number, answer["model"])
        if number % 3 == 2:
            wait_for(daemon, target)
    wait_for(daemon, target)
    result = daemon.index()
    assert (result["indexed"], result["failed"], result["pending"]) == (
        len(list(folder.iterdir())),
        0,
        0,
    )
    answer = daemon.query("everything", 100)
    assert answer["model"] == target and len(answer["hits"]) == result["indexed"]
    assert kills == 10


def test_the_command_line_switches_and_goes_back(daemon: RunningDaemon) -> None:
    """`use --wait`, `list`, `use --rollback`, `use --cancel`, and `remove` of what is in use."""
    assert photosd("model", "use", "one", "--wait")[1]["model"] == "one"
    states = {row["name"]: row["state"] for row in photosd("model", "list")[1]["models"]}
    assert (states["one"], states["starter"]) == ("in use", "installed")
    assert photosd("model", "remove", "one")[0] == 2
    assert photosd("model", "use", "--rollback", "--wait")[1]["model"] == "starter"
    assert model(daemon)["serving"] == "starter"
    assert photosd("model", "use", "--cancel")[0] == 0
    estimate = daemon.client().call("model", {"estimate": "two"})
    assert estimate["contents"] == PHOTOS and estimate["seconds"] > 0
    assert daemon.client().call("model", {"estimate": "one"})["contents"] == 0
    assert photosd("model", "use", "nothing")[0] == 1
    assert photosd("model", "use")[0] == 2


@pytest.mark.slow
def test_a_switch_continues_after_a_restart(daemon: RunningDaemon) -> None:
    """The model chosen while photosd was down, or during a switch, serves in the end."""
    daemon.stop()
    assert photosd("model", "use", "one")[0] == 0
    daemon.restart()
    daemon.wait_until("ready")
    with Asker(daemon) as asker:
        wait_for(daemon, "one")
        asker.more()
    assert asker.wrong == [] and asker.models == ["starter", "one"]


@pytest.mark.slow
def test_the_index_of_a_removed_model_is_removed(daemon: RunningDaemon, home: Home) -> None:
    """With the next start; that of a model which can be rolled back to stays."""
    use(daemon, "one")
    wait_for(daemon, "one")
    use(daemon, "two")
    wait_for(daemon, "two")
    assert len(list(home.index.glob("*.lance"))) == 3
    assert photosd("model", "remove", "one")[0] == 0
    daemon.stop()
    daemon.restart()
    daemon.wait_until("ready")
    assert len(list(home.index.glob("*.lance"))) == 2
    answer: Any = daemon.query("sunset", 5)
    assert answer["model"] == "two" and len(answer["hits"]) == 5


def test_a_copied_model_is_called_as_its_directory_is(home: Home) -> None:
    """Its file says `starter`; a daemon told to use the copy uses it, and switches nothing."""
    shutil.copytree(STARTER, home.models / "copy")
    home.config.mkdir(parents=True)
    home.settings.write_text('[encoder]\nmodel = "copy"\n')
    running = RunningDaemon(home, prelude=ENCODER_STANDS_IN)
    try:
        running.wait_until("ready")
        with running.client() as client:
            assert client.call("status", {})["encoder"]["model"] == "copy"
            state = client.call("model", {})
    finally:
        running.stop()
    assert (state["serving"], state["previous"], state["switch"]) == ("copy", None, None)
    assert "model_switch_started" not in running.log()
