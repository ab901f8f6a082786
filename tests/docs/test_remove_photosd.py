"""Where photosd keeps things is documented in full: removed as the page says, nothing is left."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.docs.examples import examples_of, painted, run, with_photosd

PAGE = ROOT / "docs/how-to/remove-photosd.md"
PLACES = ("PHOTOSD_HOME", "PHOTOSD_SOCKET", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME")
NO_SYSTEMD = "#!/bin/sh\nexit 1\n"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="places are named by platform")


class User:
    """A user with an empty home, a shell and no settings."""

    def __init__(self, place: Path) -> None:
        self.home, self.runtime = place / "home", place / "run"
        self.home.mkdir()
        self.runtime.mkdir(mode=0o700)
        shell = with_photosd(self.home, {"systemctl": NO_SYSTEMD})
        shell = {name: value for name, value in shell.items() if name not in PLACES}
        self._shell = {**shell, "XDG_RUNTIME_DIR": str(self.runtime)}

    def say(self, line: str) -> str:
        """What a line prints; it must succeed."""
        done = run(line, self.home, self._shell)
        assert done.returncode == 0, (line, done.stdout, done.stderr)
        return done.stdout

    def stop(self) -> None:
        """Whatever still runs."""
        run("photosd stop", self.home, self._shell)

    def files(self) -> set[str]:
        """Everything below home and runtime directory but the program and the photos."""
        found = {
            str(path.relative_to(self.home.parent))
            for top in (self.home, self.runtime)
            for path in top.rglob("*")
        }
        return {name for name in found if not name.startswith(("home/bin", "home/Pictures"))}


@pytest.fixture
def user() -> Iterator[Callable[[], User]]:
    """New users, each with a home in a short directory; everything of theirs ends with the test."""
    users: list[User] = []

    def new() -> User:
        users.append(User(Path(tempfile.mkdtemp(prefix="photosd-user-", dir="/tmp"))))
        return users[-1]

    yield new
    for each in users:
        each.stop()
        shutil.rmtree(each.home.parent, ignore_errors=True)


def used(user: User) -> None:
    """Photos indexed, asked for, shown: whatever writes has written."""
    painted(user.home / "Pictures", "beach")
    painted(user.home / "Pictures", "sunset")
    user.say("photosd start --wait")
    user.say("photosd add ~/Pictures")
    user.say("photosd index --wait")
    user.say("photosd config set log.level debug")
    user.say('photosd query "sunset" --weak --html || test -d ~/.local/state/photosd/sheets')


def test_nothing_is_left(user: Callable[[], User]) -> None:
    """Only what the page names is written, and what it says removes that."""
    someone = user()
    used(someone)
    places = ("home/.config/photosd", "home/.local/state/photosd", "run/photosd")
    above = {str(parent) for place in places for parent in Path(place).parents}
    assert {name for name in someone.files() - above if not name.startswith(places)} == set(), (
        "written where the page says nothing of it"
    )
    for line in examples_of(PAGE):
        someone.say(line)
    assert someone.files() <= above | {"home/.local/share"}
    assert {file.name for file in (someone.home / "Pictures").iterdir()} == {
        "beach.jpg",
        "sunset.jpg",
    }


@pytest.mark.slow
def test_another_machine_encodes_nothing_again(user: Callable[[], User]) -> None:
    """Settings and state copied, the photos elsewhere: added there, they are known."""
    old, new = user(), user()
    used(old)
    old.say("photosd stop")
    shutil.move(old.home / "Pictures", new.home / "Pictures")
    for place in (".config/photosd", ".local/state/photosd"):
        shutil.copytree(old.home / place, new.home / place)
    new.say("photosd start --wait")
    new.say("photosd add ~/Pictures")
    new.say(f"photosd remove {old.home / 'Pictures'}")
    new.say("photosd index --wait")
    status = json.loads(new.say("photosd status --json"))
    assert status["index"]["indexed"] == 2
    assert status["encoder"]["images_encoded"] == 0
    assert str(new.home) in new.say('photosd query "sunset" --weak')
