"""The file of the settings: changed by many at once, linked, damaged, on a full disk."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import threading
import time
import tomllib
from pathlib import Path

import pytest

from photosd.core import settings_file
from photosd.core.atomic_write import DRAFT
from photosd.core.config import ClosedCloudSettings, Settings
from photosd.core.errors import ConfigError
from photosd.core.settings_file import change, load, read

PAIR = (("search.limit", "7"), ("watch.rescan_minutes", "9"))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the settings will be."""
    return tmp_path / "config.toml"


def test_silence_means_defaults(file: Path) -> None:
    """No file is no error."""
    assert read(file) == settings_file.SettingsReading(Settings())


# -- what is in it is the user's ---------------------------------------------------------------


def test_a_change_keeps_comments_and_what_is_unknown(file: Path) -> None:
    """Comments, order, other sections and keys, line ends."""
    before = (
        "# mine\r\n[search]\r\nlimit = 5 # few\r\nfuture = 'x'\r\n\r\n[other]\r\na = [1, 2]\r\n"
    )
    file.write_bytes(before.encode())
    change(file, "decode.workers", "3")
    after = file.read_bytes().decode()
    assert after.startswith(before)
    assert (load(file).search.limit, load(file).decode.workers) == (5, 3)


@pytest.mark.parametrize(
    "text",
    [
        "search.limit = 5\n",
        "search = {limit = 5}\n",
        "[search]\nlimit = 5",
        "[log]\nlevel = 'info'\n[search]\n\n[watch]\n",
        "\ufeff[search]\nlimit = 5\n",
        "['search']\n'limit' = 5\n",
    ],
)
def test_every_way_to_write_it_can_be_changed(file: Path, text: str) -> None:
    """Dotted, inline, without a last newline, empty, with a mark in front, quoted."""
    file.write_bytes(text.encode())
    assert change(file, "search.limit", "6").settings.search.limit == 6
    assert load(file).search.limit == 6


def test_the_link_stays_and_its_target_is_changed(tmp_path: Path) -> None:
    """stow and chezmoi link it; relative, through several links, and where nothing is yet."""
    target = tmp_path / "dotfiles" / "photosd.toml"
    target.parent.mkdir()
    target.write_text("# kept\n")
    target.chmod(0o640)
    between, link = tmp_path / "between", tmp_path / "config.toml"
    between.symlink_to("dotfiles/photosd.toml")
    link.symlink_to(between)
    change(link, "search.limit", "3")
    assert link.is_symlink() and between.is_symlink()
    assert "# kept" in target.read_text() and load(target).search.limit == 3
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    target.unlink()
    change(link, "search.limit", "4")
    assert link.is_symlink() and load(target).search.limit == 4
    assert sorted(p.name for p in target.parent.iterdir()) == ["photosd.toml"]


def test_new_ones_are_the_users_alone(tmp_path: Path) -> None:
    """Whatever the umask is."""
    before = os.umask(0)
    try:
        change(tmp_path / "config" / "config.toml", "search.limit", "3")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "config").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "config" / "config.toml").stat().st_mode) == 0o600


def test_a_file_with_a_secret_is_its_owners_alone(file: Path) -> None:
    """The mode of a file that others could read is changed; without a secret it is not."""
    file.write_text("# mine\n")
    file.chmod(0o644)
    change(file, "search.limit", "3")
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    change(file, "cloud.proxy", "http://dana:hunter2@proxy:3128")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "line",
    [
        'base_url = "https://dana:{}@example.org/"',
        'proxy = "http://dana:{}@proxy.example.org:3128',
        "proxy = http://dana:{}@proxy.example.org:3128",
        'key_command = ["op", "read", "--token", "{}"]',
    ],
)
def test_no_problem_tells_a_secret(file: Path, line: str) -> None:
    """A secret is removed before the text is cut: half a secret would not be recognised."""
    password = "Hunter2secret" * 6
    file.write_text(f"[cloud]\n{line.format(password)}\n")
    problems = read(file).problems
    assert problems and "Hunter2" not in str(problems)
    with pytest.raises(ConfigError) as caught:
        change(file.with_name("other.toml"), "cloud.base_url", f"https://dana:{password}@host/")
    assert "Hunter2" not in str(caught.value)


# -- many at once ------------------------------------------------------------------------------


def test_two_at_once_both_count(file: Path) -> None:
    """Eighteen pairs of threads."""
    for _ in range(18):
        change(file, "search.limit", "20")
        change(file, "watch.rescan_minutes", "45")
        threads = [threading.Thread(target=change, args=(file, *one)) for one in PAIR]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        settings = load(file)
        assert (settings.search.limit, settings.watch.rescan_minutes) == (7, 9)
    assert [p.name for p in file.parent.iterdir()] == ["config.toml"]


def test_processes_take_turns_too(file: Path) -> None:
    """As `photosd config set` without a daemon; two of each setting, and a reader all the while."""
    program = (
        "import sys; from pathlib import Path; from photosd.core.settings_file import change\n"
        "for n in range(12): change(Path(sys.argv[1]), sys.argv[2], str(n + 1))"
    )
    names = ("search.limit", "watch.rescan_minutes", "decode.workers", "cloud.images_per_minute")
    running = [subprocess.Popen([sys.executable, "-c", program, str(file), name]) for name in names]
    while any(process.poll() is None for process in running):
        if file.exists():
            tomllib.loads(file.read_text())
        time.sleep(0.002)
    assert [process.returncode for process in running] == [0, 0, 0, 0]
    settings = load(file)
    assert settings.search.limit == settings.watch.rescan_minutes == settings.decode.workers == 12
    assert settings.cloud.images_per_minute == 12


def test_waiting_for_the_lock_has_a_limit(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that was stopped in the middle of its change."""
    import fcntl

    monkeypatch.setattr(settings_file, "TURN_SECONDS", 0.2)
    descriptor = os.open(file.parent, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    with pytest.raises(ConfigError, match="another process"):
        change(file, "search.limit", "3")
    os.close(descriptor)
    change(file, "search.limit", "3")


# -- disks that refuse -------------------------------------------------------------------------


@pytest.mark.parametrize("step", ["fsync", "fchmod", "replace"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EROFS, errno.EACCES])
def test_a_disk_that_refuses_leaves_the_old_file(
    file: Path, monkeypatch: pytest.MonkeyPatch, step: str, number: int
) -> None:
    """No draft is left; afterwards writing works."""
    change(file, "search.limit", "3")

    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(Path if step == "replace" else os, step, refuse)
        with pytest.raises(ConfigError, match="cannot be written") as caught:
            change(file, "search.limit", "4")
    assert caught.value.remedy
    assert load(file).search.limit == 3
    assert [p.name for p in file.parent.iterdir()] == ["config.toml"]
    assert change(file, "search.limit", "4").settings.search.limit == 4


def test_a_file_that_is_given_in_pieces_is_read_whole(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As some shares do; a change wrote back the first piece alone."""
    file.write_text(GOOD + "# the end\n")
    real = os.read
    monkeypatch.setattr(os, "read", lambda descriptor, size: real(descriptor, min(size, 7)))
    assert change(file, "search.limit", "4").settings.watch.rescan_minutes == 7
    assert "# the end" in file.read_text()


def test_a_disk_without_modes_is_written(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """FAT, and shares that are mounted with one mode for all users."""

    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "fchmod", refuse)
    assert change(file, "search.limit", "4").settings.search.limit == 4


def test_a_killed_change_leaves_nothing_behind(file: Path) -> None:
    """The next one clears up."""
    (file.parent / f".config.toml{DRAFT}x").write_text("half")
    change(file, "search.limit", "3")
    assert [p.name for p in file.parent.iterdir()] == ["config.toml"]


def test_links_in_a_circle_and_files_in_the_way(tmp_path: Path) -> None:
    """Refused with a remedy, never a traceback."""
    circle = tmp_path / "circle.toml"
    circle.symlink_to(circle)
    (tmp_path / "file").write_text("")
    for file in (circle, tmp_path / "file" / "config.toml", tmp_path):
        with pytest.raises(ConfigError) as caught:
            change(file, "search.limit", "3")
        assert caught.value.remedy


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_what_is_no_file_is_not_waited_for(file: Path, make: object) -> None:
    """A FIFO without a writer would block the start without limit."""
    make(file)  # type: ignore[operator]
    reading = read(file)
    assert reading.settings == Settings(cloud=ClosedCloudSettings())
    assert (
        "is not a file" in reading.problems[0].says or "cannot be read" in reading.problems[0].says
    )


# -- files that are wrong ----------------------------------------------------------------------

GOOD = "[watch]\nrescan_minutes = 7\n"


@pytest.mark.parametrize(
    ("text", "line", "names"),
    [
        ("[search]\nlimit = 'x'\n" + GOOD, 2, "search.limit"),
        ("[search]\nlimit = 0\n" + GOOD, 2, "from 1 to 1,000"),
        ("[search]\nlimits = 1\n" + GOOD, 2, "did you mean 'limit'"),
        ("[serch]\nlimit = 1\n" + GOOD, 1, "did you mean 'search'"),
        ("search = 5\n" + GOOD, 1, "must be a table"),
        ("[search]\nlimit = many\n" + GOOD, 2, "Invalid value"),
        ("[search\nlimit = 3\n" + GOOD, 1, "[search"),
        ("not toml =\n" + GOOD, 1, "not toml"),
        ("[decode]\nworkers = inf\n" + GOOD, 2, "decode.workers"),
        ("[decode]\nmax_megapixels = 99999999999999999999999\n" + GOOD, 2, "decode.max_megapixels"),
        (GOOD + "[search]\nlimit = 1\nlimit = 2\n", 5, "limit = 2"),
        (GOOD + "[log]\nlevel = 'info", 4, "level = 'info"),
        (GOOD + "[encoder]\nmodel = 3\n", 4, "encoder.model"),
        (GOOD + "[encoder]\nmodel = '\udcff'\n", 4, "not UTF-8"),
        (GOOD + "# \udcff\n", 3, "not UTF-8"),
        (GOOD + f"[search]\nlimit = 0x{'f' * 5000}\n", 4, "search.limit"),
        (GOOD + f"[encoder]\nmodel = 0x{'f' * 5000}\n", 4, "encoder.model"),
        (GOOD + f"[log]\nlevel = [0x{'f' * 5000}]\n", 4, "log.level"),
        (GOOD + "[log]\nlevel = 1979-05-27\n", 4, "log.level"),
    ],
)
def test_one_bad_line_costs_one_setting(file: Path, text: str, line: int, names: str) -> None:
    """All others hold, and the file, the line and what is wrong are named."""
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    reading = read(file)
    assert reading.settings.watch.rescan_minutes == 7
    problem = reading.problems[0]
    assert f"{file}, line {line}:" in problem.says
    assert names in problem.says
    assert f"line {line}" in problem.remedy


@pytest.mark.parametrize(
    "wrong",
    [
        "budget_usd = inf",
        "budget_usd = nan",
        "budget_usd = '1'",
        "budget_uds = 0.1",
        "proxy = http://localhost:1",
        "base_url = 'http://example.com'",
        "key_file = 3",
    ],
)
def test_a_wrong_setting_of_the_cloud_sends_nothing(file: Path, wrong: str) -> None:
    """A default in its place might send elsewhere, or for more than was meant."""
    file.write_text(f"[cloud]\nmode = 'hybrid'\n{wrong}\n")
    reading = read(file)
    assert reading.settings.cloud.mode == "local"
    assert any("cloud.mode is local" in problem.says for problem in reading.problems)
    file.write_text("[cloud]\nmode = 'hybrid'\nbudget_usd = 1\n[search]\nlimit = 0\n")
    assert read(file).settings.cloud.mode == "hybrid"


def test_setting_a_value_repairs_it(file: Path) -> None:
    """As the remedy says; what is no TOML is the user's to correct, and is left alone."""
    file.write_text("[search]\nlimit = 0\n")
    assert change(file, "search.limit", "3").problems == ()
    file.write_text("[search\nlimit = 0\n")
    with pytest.raises(ConfigError, match="line 1") as caught:
        change(file, "search.limit", "3")
    assert "correct line 1" in caught.value.remedy
    assert file.read_text() == "[search\nlimit = 0\n"


def test_what_is_no_settings_at_all_is_said_once(file: Path) -> None:
    """Not a thousand warnings for a picture under that name."""
    file.write_bytes(os.urandom(50_000))
    reading = read(file)
    assert reading.settings == Settings(cloud=ClosedCloudSettings())
    assert len(reading.problems) == 1
