"""What is no library: a table of paths, each indexed or ignored by a named rule."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from photosd.core import config
from photosd.core.errors import ConfigError
from photosd.core.ignored_names import RULE_NAMES, RULES, names_in
from photosd.watch.ignore import EXCLUDED, LINKED, OWN, IgnoreRules
from photosd.watch.scanner import scan
from tests.watch.listening import write

PATHS = """
    #recycle/a.jpg                                    recycle-bins
    2019/#Recycle/2019/a.jpg                          recycle-bins
    @Recycle/a.jpg                                    recycle-bins
    $RECYCLE.BIN/S-1-5-21/$R0A.jpg                    recycle-bins
    $Recycle.Bin/a.jpg                                recycle-bins
    RECYCLER/a.jpg                                    recycle-bins
    .Trash/a.jpg                                      recycle-bins
    .Trash-1000/files/a.jpg                           recycle-bins
    .Trashes/501/a.jpg                                recycle-bins
    .recycle/noa/a.jpg                                recycle-bins
    .dtrash/files/a.jpg                               recycle-bins
    Network Trash Folder/a.jpg                        recycle-bins
    DCIM/.trashed-1700000000-a.jpg                    android-trash
    DCIM/.pending-1700000000-a.jpg                    android-trash
    .snapshots/1/snapshot/a.jpg                       snapshots
    .zfs/snapshot/daily/a.jpg                         snapshots
    #snapshot/GMT-2024.01.01/a.jpg                    snapshots
    @Recently-Snapshot/a.jpg                          snapshots
    ~snapshot/daily.0/a.jpg                           snapshots
    Backups.backupdb/mac/2020/a.jpg                   snapshots
    .stversions/a~20240101-000000.jpg                 sync-versions
    .stfolder/a.jpg                                   sync-versions
    .dropbox.cache/2024/a.jpg                         sync-versions
    .sync/Archive/a.jpg                               sync-versions
    .tmp.drivedownload/a.jpg                          sync-versions
    a.sync-conflict-20240101-101010-ABCDEFG.jpg       sync-conflicts
    b/A.SYNC-CONFLICT-20240101-101010-ABCDEFG.JPG     sync-conflicts
    a.jpg.crdownload                                  partial-files
    a.jpg.part                                        partial-files
    a.tmp                                             partial-files
    a.jpg.download/a.jpg                              partial-files
    ~$a.jpg                                           partial-files
    .syncthing.a.jpg.tmp                              partial-files
    ~syncthing~a.jpg                                  partial-files
    .sync_0123456789ab.jpg                            partial-files
    a/@eaDir/a.jpg/SYNOFILE_THUMB_M.jpg               thumbnails
    a/@EADIR/a.jpg                                    thumbnails
    SYNOFILE_THUMB_XL.jpg                             thumbnails
    SYNOPHOTO_THUMB_XL.jpg                            thumbnails
    .@__thumb/a.jpg                                   thumbnails
    @__thumb/a.jpg                                    thumbnails
    DCIM/.thumbnails/1.jpg                            thumbnails
    Thumbs.db                                         thumbnails
    thumbs.DB                                         thumbnails
    P.photoslibrary/originals/0/a.heic                photo-libraries
    P.photoslibrary/resources/derivatives/0/a.jpeg    photo-libraries
    P.PhotosLibrary/originals/0/a.heic                photo-libraries
    A.aplibrary/Masters/a.jpg                         photo-libraries
    C Previews.lrdata/0/a.jpg                         previews
    C Smart Previews.lrdata/0/a.dng                   previews
    C.lrcat-data/a.jpg                                previews
    Demo.app/Contents/Resources/a.png                 programs
    Film.fcpbundle/a.jpg                              programs
    .picasaoriginals/a.jpg                            program-files
    .comments/a.jpg                                   program-files
    .cache/a.jpg                                      program-files
    .darktable/a.jpg                                  program-files
    System Volume Information/a.jpg                   system-folders
    lost+found/a.jpg                                  system-folders
    FOUND.000/a.jpg                                   system-folders
    LOST.DIR/a.jpg                                    system-folders
    .DocumentRevisions-V100/a.jpg                     system-folders
    .fseventsd/a.jpg                                  system-folders
    .Spotlight-V100/a.jpg                             system-folders
    .TemporaryItems/folders.501/a.jpg                 system-folders
    ._a.jpg                                           appledouble
    .a.heic.icloud                                    icloud-placeholders
    .git/annex/objects/a.jpg                          version-control
    .hidden.jpg                                       hidden
    .private/a.jpg                                    hidden
    .private/deep/a.jpg                               hidden
    quiet/deep/a.jpg                                  nomedia
    recycle/a.jpg                                     -
    Recycled things/a.jpg                             -
    snapshot/a.jpg                                    -
    snapshots/a.jpg                                   -
    Trash/a.jpg                                       -
    app/a.jpg                                         -
    lrdata/a.jpg                                      -
    tmp/a.jpg                                         -
    download/a.jpg                                    -
    found.later/a.jpg                                 -
    my sync-conflict-notes.jpg                        -
    a.tmp.jpg                                         -
    ~a.jpg                                            -
    @home/a.jpg                                       -
    #1/a.jpg                                          -
    thumbnails/a.jpg                                  -
    cache/a.jpg                                       -
    pending-1.jpg                                     -
    a/icloud/a.jpg                                    -
    P.photoslibrary.zip/a.jpg                         -
"""
ROWS = [tuple(line.rsplit(None, 1)) for line in PATHS.strip().splitlines()]
EXPECTED = {path.strip(): rule for path, rule in ROWS}
PHOTOS = {path for path, rule in EXPECTED.items() if rule == "-"}


@pytest.fixture
def everything(root: Path) -> Path:
    """A folder with all of these files."""
    for path in EXPECTED:
        write(root / path)
    write(root / "quiet/.nomedia")
    return root


def rules(root: Path, *off: str) -> IgnoreRules:
    return IgnoreRules(bytes(root), off=off)


def found(root: Path, *off: str) -> set[str]:
    start = bytes(root)
    return {
        os.fsdecode(entry.path[len(start) + 1 :]) for entry in scan(start, None, rules(root, *off))
    }


def test_each_path_is_indexed_or_ignored_by_the_rule(everything: Path) -> None:
    """By a scan, and by a question about one path, which names the rule."""
    assert len(EXPECTED) >= 90
    assert found(everything) == PHOTOS
    for path, rule in EXPECTED.items():
        reason = rules(everything).reason(bytes(everything / path))
        assert (reason.rule if reason else "-") == rule, path
        assert reason is None or bytes(everything / path).startswith(reason.place)


def test_every_rule_is_in_the_table() -> None:
    assert {rule for rule in EXPECTED.values() if rule != "-"} == set(RULE_NAMES)
    assert len(set(RULE_NAMES)) == len(RULES)


@pytest.mark.parametrize("rule", RULE_NAMES)
def test_each_rule_can_be_turned_off(everything: Path, rule: str) -> None:
    """Its photos are indexed then, unless another rule ignores them, too: names with a dot."""
    off = (rule, "hidden")
    before, after = found(everything, "hidden"), found(everything, *off)
    assert after >= before
    for path in (path for path, by in EXPECTED.items() if by == rule):
        reason = rules(everything, *off).reason(bytes(everything / path))
        assert reason is None or reason.rule != rule
    assert found(everything, *RULE_NAMES) >= PHOTOS | {"quiet/deep/a.jpg", ".hidden.jpg"}


def test_a_library_that_is_watched_is_whole_without_its_rule(everything: Path) -> None:
    library = everything / "P.photoslibrary"
    assert found(library) == {"originals/0/a.heic"}
    whole = {"originals/0/a.heic", "resources/derivatives/0/a.jpeg"}
    assert found(library, "photo-libraries") == whole


def test_reasons_that_are_no_rules(root: Path, tmp_path: Path) -> None:
    """Patterns of the user, with their file; links to folders; photosd's own files."""
    for name in ("a.png", "b/c.jpg", "own/d.jpg"):
        write(root / name)
    write(root / "b/.photosdignore", b"*.jpg\n")
    (root / "link").symlink_to(tmp_path)
    given = IgnoreRules(bytes(root), ["*.png"], other_roots=[bytes(root / "own")])

    def why(name: str) -> tuple[str, bytes, bytes] | None:
        return given.reason(bytes(root / name))

    assert why("a.png") == (EXCLUDED, bytes(root / "a.png"), b"")
    assert why("b/c.jpg") == (EXCLUDED, bytes(root / "b/c.jpg"), bytes(root / "b/.photosdignore"))
    assert why("own/d.jpg") == (OWN, bytes(root / "own"), b"")
    assert why("link/e.jpg") == (LINKED, bytes(root / "link"), b"")
    assert why("f.jpg") is None


def test_the_setting_takes_names_of_rules_only() -> None:
    value = config.parsed("watch.ignore_off", "snapshots, recycle-bins")
    assert names_in(value) == {"snapshots", "recycle-bins"}
    assert names_in(config.parsed("watch.ignore_off", "")) == frozenset()
    with pytest.raises(ConfigError, match="names separated by commas"):
        config.parsed("watch.ignore_off", "recycle")


def test_photos_of_git_annex_are_found_once(root: Path) -> None:
    """Row 12 of the faults: they are links into a hidden folder; some lead nowhere."""
    write(root / ".git/annex/objects/x.jpg")
    for name, target in (("a.jpg", "x.jpg"), ("dropped.jpg", "y.jpg")):
        (root / name).symlink_to(f".git/annex/objects/{target}")
    assert found(root) == {"a.jpg"}
    write(root / ".git/annex/objects/y.jpg")
    assert found(root) == {"a.jpg", "dropped.jpg"}
