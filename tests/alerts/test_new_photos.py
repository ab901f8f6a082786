"""Standing queries through the whole daemon: once for each new photo, soon, and never a shell."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from photosd.core.errors import BadRequest, NotFound
from photosd.protocol.client import Client
from tests.alerts.conftest import NOTIFIER
from tests.alerts.scenes import eventually, noted, recorder, write
from tests.conftest import RunningDaemon

# After a photo's last write it is seen, embedded, matched, and its command run.
MOMENTS = (0.0, 0.3, 0.6, 0.9, 1.1, 1.3, 1.5, 1.6, 1.7, 1.8, 1.9, 2.0, 2.2, 2.5)
NAMES = (
    b"a b.jpg",
    b"-rf.jpg",
    b"$(touch pwned).jpg",
    b"`touch pwned`;touch pwned.jpg",
    b"'\"&|{}.jpg",
    b"new\nline.jpg",
    b"not \xff utf8.jpg",
    "שקיעה\u202egpj.jpg".encode(),
)


@pytest.mark.slow
@pytest.mark.parametrize(
    "moments",
    [pytest.param((1.2,), id="once"), pytest.param(MOMENTS, marks=pytest.mark.chaos, id="often")],
)
@pytest.mark.timeout(600)
def test_once_for_each_new_photo_across_kills(
    daemon: RunningDaemon, folder: Path, tmp_path: Path, moments: Sequence[float]
) -> None:
    """At whatever moment the daemon is killed; not for old, copied or renamed photos."""
    program, notes = recorder(tmp_path)
    daemon.wait_until("ready")
    daemon.index(folder)
    with daemon.client() as client:
        client.standing_add("sunset", "exec", argv=[program])
    expected = []
    for number, moment in enumerate(moments):
        expected.append(folder / f"{number}.jpg")
        write(expected[-1], "sunset")
        write(folder / f"snow {number}.jpg", "snow")
        time.sleep(moment)
        kill_and_restart(daemon)
    eventually(lambda: len(noted(notes)) >= len(expected))
    (folder / "a copy.jpg").write_bytes((folder / "0.jpg").read_bytes())
    (folder / "0.jpg").rename(folder / "renamed.jpg")
    (folder / "old.jpg").touch()
    daemon.index()
    kill_and_restart(daemon)
    daemon.index()
    expected.append(folder / "last.jpg")  # commands are run in the order of their photos
    write(expected[-1], "sunset")
    eventually(lambda: os.fsencode(expected[-1]) in noted(notes))
    assert sorted(noted(notes)) == sorted(os.fsencode(path) for path in expected)
    with daemon.client() as client:
        # The program has run; that it ended is recorded soon after.
        eventually(lambda: client.standing()["standing"][0]["waiting"] == 0)
        (query,) = client.standing()["standing"]
    assert (query["matches"], query["waiting"], query["failed"]) == (len(expected), 0, 0)


def kill_and_restart(daemon: RunningDaemon) -> None:
    daemon.kill()
    daemon.restart()
    daemon.wait_until("ready")


@pytest.mark.chaos
def test_a_lost_catalog_repeats_nothing(
    daemon: RunningDaemon, folder: Path, tmp_path: Path
) -> None:
    """They stand again; photos that were there before are not taken for new ones."""
    program, notes = recorder(tmp_path)
    daemon.wait_until("ready")
    daemon.index(folder)
    with daemon.client() as client:
        client.standing_add("sunset", "exec", argv=[program])
    daemon.kill()
    for file in daemon.home.catalog.parent.glob(daemon.home.catalog.name + "*"):
        file.unlink()
    daemon.restart()
    daemon.wait_until("ready")
    daemon.index()
    with daemon.client() as client:
        eventually(lambda: client.standing()["standing"][0]["trouble"] is None)
    write(folder / "1.jpg", "sunset")
    eventually(lambda: bool(noted(notes)))
    assert noted(notes) == [os.fsencode(folder / "1.jpg")]


def test_identical_alerts_are_one(client: Client) -> None:
    """Said twice it would fire twice."""
    first = client.standing_add("sun  set", "stream")
    again = client.standing_add("sun set", "stream")
    assert (first["new"], again["new"]) == (True, False)
    assert first["standing"]["id"] == again["standing"]["id"]
    assert len(client.standing()["standing"]) == 1


def test_an_alert_that_is_saved_again_runs_for_new_photos_only(
    client: Client, folder: Path, tmp_path: Path
) -> None:
    """It runs for no photo that was there, also not for those that it ran for before."""
    program, notes = recorder(tmp_path)
    number = client.standing_add("sunset", "exec", argv=[program])["standing"]["id"]
    write(folder / "1.jpg", "sunset")
    eventually(lambda: bool(noted(notes)))
    client.standing_remove(number)
    assert client.standing_add("sunset", "exec", argv=[program])["new"]
    write(folder / "2.jpg", "sunset")  # it comes after all that would be run for others
    eventually(lambda: noted(notes)[-1:] == [os.fsencode(folder / "2.jpg")])
    assert len(noted(notes)) == 2


def test_file_names_never_reach_a_shell(client: Client, folder: Path, tmp_path: Path) -> None:
    """Each is one argument, byte for byte, wherever the command wants it."""
    program, notes = recorder(tmp_path)
    client.standing_add("sunset", "exec", argv=[program, "{}", "--last"])
    paths = [os.fsencode(folder) + b"/" + name for name in NAMES]
    for path in paths:
        write(path, "sunset")
    eventually(lambda: len(noted(notes)) >= 2 * len(paths))
    assert sorted(noted(notes)[::2]) == sorted(paths)
    assert set(noted(notes)[1::2]) == {b"--last"}
    assert not [*tmp_path.rglob("pwned"), *Path("~").expanduser().glob("pwned")]


def test_a_name_sets_it_off(client: Client, folder: Path, tmp_path: Path) -> None:
    """As a query for the same words finds it; nothing in the picture looks so."""
    program, notes = recorder(tmp_path)
    client.standing_add("receipt", "exec", argv=[program])
    write(folder / "other.jpg", "snow")
    write(folder / "Receipt 7.jpg", "snow")
    eventually(lambda: bool(noted(notes)))
    assert noted(notes) == [os.fsencode(folder / "Receipt 7.jpg")]
    answer = client.query("receipt")
    assert answer["convincing"] and answer["hits"][0]["path"] == str(folder / "Receipt 7.jpg")


def test_a_person_in_a_sidecar_sets_it_off(client: Client, folder: Path, tmp_path: Path) -> None:
    """The sidecar is read after the photo is indexed."""
    program, notes = recorder(tmp_path)
    client.standing_add("Noa Levi", "exec", argv=[program])
    (folder / "1.jpg.xmp").write_text(
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description'
        ' xmlns:e="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" e:PersonInImage="Noa Levi"/>'
        "</rdf:RDF></x:xmpmeta>"
    )
    write(folder / "1.jpg", "snow")
    eventually(lambda: bool(noted(notes)))
    assert noted(notes) == [os.fsencode(folder / "1.jpg")]


def test_only_below_a_directory(client: Client, folder: Path, tmp_path: Path) -> None:
    """And a directory that nothing is watched in would never see a photo."""
    program, notes = recorder(tmp_path)
    for name in ("in", "inbox"):
        (folder / name).mkdir()
    client.standing_add("sunset", "exec", argv=[program], below=os.fspath(folder / "in"))
    write(folder / "inbox" / "1.jpg", "sunset")
    list(client.rescan(wait=True))
    write(folder / "in" / "2.jpg", "sunset")  # it comes after the other
    eventually(lambda: bool(noted(notes)))
    assert noted(notes) == [os.fsencode(folder / "in" / "2.jpg")]
    with pytest.raises(NotFound, match="not in a watched folder"):
        client.standing_add("sunset", "exec", argv=[program], below=os.fspath(tmp_path / "x"))


def test_a_notification_is_shown(client: Client, folder: Path, desktop: Path) -> None:
    """By the desktop's own program; the name in it cannot be markup."""
    client.standing_add("sunset", "notify")
    write(folder / "<b>1.jpg", "sunset")
    eventually(lambda: bool(noted(desktop / f"{NOTIFIER}.noted")))
    said = noted(desktop / f"{NOTIFIER}.noted")
    name = b"<b>1.jpg" if sys.platform == "darwin" else b"&lt;b&gt;1.jpg"
    assert said[-2:] == [b"photosd: sunset", name]


def test_a_command_that_fails_is_reported(client: Client, folder: Path, tmp_path: Path) -> None:
    """And not run again; one that could never work is refused at once."""
    program = tmp_path / "fails"
    program.write_text(f"#!/bin/sh\necho x >> {tmp_path}/tried\nexit 3\n")
    program.chmod(0o755)
    for argv in ([], ["cat", "|", "grep"], ["sh", "-c", "rm {}"], ["a\0b"]):
        with pytest.raises(BadRequest):
            client.standing_add("sunset", "exec", argv=argv)
    client.standing_add("sunset", "exec", argv=[os.fspath(program)])
    write(folder / "1.jpg", "sunset")
    eventually(lambda: client.standing()["standing"][0]["failed"] == 1)
    report = client.standing()["standing"][0]
    assert report["last_failure"] == f"{folder}/1.jpg: exit code 3"
    client.standing_remove(report["id"])
    with pytest.raises(NotFound, match="no such alert"):
        client.standing_remove(report["id"])
    assert (tmp_path / "tried").read_text() == "x\n"


def test_a_stream_continues_where_it_was(client: Client, folder: Path) -> None:
    """After the acknowledged match, or any cursor; empty lists show that the stream is alive."""
    number = client.standing_add("sunset", "stream")["standing"]["id"]
    write(folder / "1.jpg", "sunset")
    eventually(lambda: client.standing()["standing"][0]["matches"] == 1)
    (first,) = client.subscribe(number, wait=False)
    assert first["path"] == os.fspath(folder / "1.jpg")
    assert first["strength"] in ("fair", "strong")
    assert list(client.subscribe(number, wait=False)) == [first]
    assert client.acknowledge(number, first["cursor"])["acknowledged"] == first["cursor"]
    assert not list(client.subscribe(number, wait=False))
    assert list(client.subscribe(number, 0, wait=False)) == [first]
    with Client(client.socket_path) as reader:
        coming = reader.subscribe(number)
        write(folder / "2.jpg", "sunset")
        assert next(coming)["path"] == os.fspath(folder / "2.jpg")
        client.standing_remove(number)
        with pytest.raises(NotFound):
            next(coming)
