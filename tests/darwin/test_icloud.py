"""Files and folders that are only in iCloud are never downloaded (row 13 of the faults)."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

import pytest

from photosd.core.filestat import SF_DATALESS
from photosd.core.paths import Home
from photosd.decode.decode_errors import DecodeFailed
from photosd.decode.limits import DecodeLimits
from photosd.decode.reading import failure_of, read
from tests.conftest import ENCODER_STANDS_IN
from tests.darwin.conftest import MacDaemon
from tests.darwin.flags import Flags
from tests.darwin.pretend import PULLED
from tests.darwin.pretend.files import set_flags
from tests.decode.pictures import jpeg, scene
from tests.index.test_sidecars import Rated


@pytest.fixture
def flags(monkeypatch: pytest.MonkeyPatch) -> Flags:
    return Flags(monkeypatch)


@pytest.fixture
def shelf(tmp_path: Path, flags: Flags) -> Rated:
    shelf = Rated(tmp_path)
    for number, name in enumerate(("here.jpg", "cloud/1.jpg", "cloud/deep/2.jpg", "other/3.jpg")):
        shelf.write(name, b"%d" % number)
    return shelf


def compare(shelf: Rated) -> set[str]:
    folder = shelf.folders.all()[0]
    shelf.reconciler.comparer.tree(folder, folder.path)
    shelf.work()
    return set(shelf.states())


def test_the_list_of_a_directory_in_icloud_is_not_asked_for(shelf: Rated, flags: Flags) -> None:
    """Row 13: listing it downloads it, or waits for the network; it is named with the remedy."""
    flags.mark(shelf.root / "cloud", SF_DATALESS)
    assert compare(shelf) == {"here.jpg", "other/3.jpg"}
    assert flags.opened == []
    unread = shelf.reconciler.comparer.unreadable(shelf.folders.all()[0].id)
    assert unread is not None
    assert unread.count == 1
    assert "in iCloud" in str(unread)
    assert "Finder" in unread.remedy


def test_photos_of_a_directory_that_went_to_icloud_are_kept(shelf: Rated, flags: Flags) -> None:
    """macOS removes the copies of old files when the disk is full."""
    everything = compare(shelf)
    flags.mark(shelf.root / "cloud", SF_DATALESS)
    assert compare(shelf) == everything
    assert set(shelf.states().values()) == {"indexed"}
    flags.mark(shelf.root / "cloud", 0)
    assert compare(shelf) == everything
    assert shelf.reconciler.comparer.unreadable(shelf.folders.all()[0].id) is None
    assert flags.opened == []
    assert len(shelf.encoded) == 4


def test_a_photo_in_icloud_is_not_read(shelf: Rated, flags: Flags) -> None:
    """It is tried again when macOS has downloaded it."""
    photo = shelf.root / "other" / "3.jpg"
    flags.mark(photo, SF_DATALESS)
    compare(shelf)
    assert flags.opened == []
    row = shelf.photo("other/3.jpg")
    assert (row.state, row.code) == ("failed", "in_the_cloud")
    flags.mark(photo, 0)
    compare(shelf)
    assert shelf.photo("other/3.jpg").state == "indexed"


def test_an_indexed_photo_that_went_to_icloud_stays_indexed(shelf: Rated, flags: Flags) -> None:
    """Its bytes have not changed."""
    compare(shelf)
    flags.mark(shelf.root / "here.jpg", SF_DATALESS)
    compare(shelf)
    shelf.reconciler.comparer.paths([bytes(shelf.root / "here.jpg")])
    shelf.work()
    assert shelf.photo("here.jpg").state == "indexed"
    assert flags.opened == []


def test_a_sidecar_in_icloud_is_not_read(shelf: Rated, flags: Flags) -> None:
    """Its former facts stay; it is read when macOS has downloaded it."""
    compare(shelf)
    shelf.rate("here.xmp", 5)
    shelf.settle()
    assert shelf.rating("here.jpg") == 5
    shelf.rate("here.xmp", 3)
    flags.mark(shelf.root / "here.xmp", SF_DATALESS)
    shelf.settle()
    assert shelf.rating("here.jpg") == 5
    flags.mark(shelf.root / "here.xmp", 0)
    shelf.settle()
    assert shelf.rating("here.jpg") == 3
    assert flags.opened == []


def test_a_refusal_to_download_is_known_as_such(tmp_path: Path, flags: Flags) -> None:
    """What became dataless since it was looked at is refused by the policy of the process."""
    assert failure_of(OSError(errno.EDEADLK, "")).code == "in_the_cloud"
    photo = tmp_path / "a.jpg"
    photo.write_bytes(b"photo")
    flags.mark(photo, SF_DATALESS)
    with pytest.raises(DecodeFailed) as refused:
        read(bytes(photo), DecodeLimits().resolved())
    assert refused.value.code == "in_the_cloud"
    assert refused.value.transient


def test_no_process_of_photosd_downloads(home: Home, tmp_path: Path) -> None:
    """The daemon and its workers disable downloads, and do not read files in iCloud."""
    pulled, folder = tmp_path / "pulled", tmp_path / "photos"
    (folder / "Away").mkdir(parents=True)
    for number, name in enumerate(("here.jpg", "away.jpg", "Away/inside.jpg")):
        (folder / name).write_bytes(jpeg(scene(64, 48 + number)))
    for name in ("away.jpg", "Away"):
        set_flags(folder / name, SF_DATALESS)
    daemon = MacDaemon(home, {PULLED: str(pulled)}, ENCODER_STANDS_IN)
    try:
        daemon.wait_until()
        daemon.index(folder)
        with daemon.client() as client:
            known = client.call("folders", {})["folders"][0]
            failed = client.call("failures", {})["failures"]
        assert (known["photos"], known["failed"], known["unreadable"]) == (2, 1, 1)
        assert "in iCloud" in known["unreadable_example"]
        assert "Finder" in known["unreadable_remedy"]
        assert [Path(one["path"]).name for one in failed] == ["away.jpg"]
        assert not pulled.exists()
    finally:
        daemon.stop()


def test_the_policy_that_macos_is_asked_for(python: Callable[..., str]) -> None:
    """setiopolicy_np(3): the kernel refuses to materialise dataless files for this process."""
    ask = "import ctypes; print(ctypes.CDLL(None).getiopolicy_np(3, 0))"
    leave = (
        "from photosd.core.macos import never_download_from_icloud; never_download_from_icloud(); "
    )
    assert python(ask) == "0"
    assert python(leave + ask) == "1"
