"""What is left alone: hidden files, junk, marks, patterns; the same for one path as for a scan."""

# Names are bytes here, which pathlib does not know.
# ruff: noqa: PTH118, PTH123

from __future__ import annotations

import errno
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from photosd.core.errors import BadRequest
from photosd.watch.ignore import IGNORE_FILE_BYTES, IgnoreRules
from photosd.watch.mounts import Mount
from photosd.watch.scanner import entry_of, scan
from photosd.watch.walk import remedy_for, unknown_below, why_unknown
from tests.watch.listening import files_below, write

GITIGNORES = [
    {".": "*.png\n!keep.png\n"},
    {".": "/top.jpg\nraw/\n", "a": "!raw/\n*.jpg\n!b/*.jpg\n"},
    {".": "a/*\n!a/b/\n", "a/b": "x*.jpg\n\\!odd.jpg\n"},
    {".": "**/c/*.jpg\n# comment\n\n  \nname with space.jpg \n", "a/b/c": "!1.jpg\n"},
    {"a": "/b\n", "a/b": "!*\n"},
    {".": "[ab].jpg\n?.png\n", "a": "*\n!*.png\n!/b/\n"},
]
TREE = ["top.jpg", "1.jpg", "a.jpg", "b.jpg", "keep.png", "x.png", "raw/1.jpg", "a/1.jpg",
        "a/top.jpg", "a/raw/2.jpg", "a/b/x1.jpg", "a/b/!odd.jpg", "a/b/b.jpg", "a/b/c/1.jpg",
        "a/b/c/2.jpg", "a/b/raw/3.png", "name with space.jpg", "a/c/9.jpg", "a/new\nline/b.jpg",
        "new\nline/x.png", "a/b/new\nline.jpg", "a/new\nline/c/1.jpg", "a\n.png"]  # fmt: skip


def scanned(root: Path, *excludes: str) -> set[str]:
    """What a scan finds, relative to the root."""
    start = os.fsencode(root)
    found = scan(start, None, IgnoreRules(start, excludes))
    return {os.fsdecode(entry.path[len(start) + 1 :]) for entry in found}


def ignored(root: Path, path: str, *excludes: str) -> bool:
    """The answer for one path."""
    start = os.fsencode(root)
    return IgnoreRules(start, excludes).ignored(start + b"/" + os.fsencode(path))


@pytest.mark.parametrize("number", range(len(GITIGNORES)))
def test_photosdignore_means_what_gitignore_means(root: Path, number: int) -> None:
    """Nested ignore files: exactly the files that git itself would not ignore are found."""
    for name in TREE:
        write(root / name)
    for directory, lines in GITIGNORES[number].items():
        write(root / directory / ".photosdignore", lines.encode())
        write(root / directory / ".gitignore", lines.encode())
    git = ["git", "-c", "core.excludesFile=/dev/null", "-C", str(root)]
    try:
        subprocess.run([*git, "init", "-q"], check=True, timeout=20)
    except FileNotFoundError:
        pytest.skip("git is not installed; it is the judge here")
    listed = subprocess.run(
        [*git, "ls-files", "-z", "--others", "--exclude-standard"],
        check=True, timeout=20, capture_output=True,
    )  # fmt: skip
    allowed = {os.fsdecode(name) for name in listed.stdout.split(b"\0")} & set(TREE)
    assert scanned(root) == allowed
    assert {name for name in TREE if not ignored(root, name)} == allowed


def test_hidden_files_and_junk_directories_are_left_alone(root: Path) -> None:
    """Names with a dot in front, AppleDouble files, NAS thumbnails and bins are not photos."""
    seen = write(root / "seen.jpg")
    for name in [".hidden.jpg", "._seen.jpg", ".cache/1.jpg", "@eaDir/seen.jpg/thumb.jpg",
                 "a/@eaDir/2.jpg", "$RECYCLE.BIN/3.jpg", "#recycle/4.jpg"]:  # fmt: skip
        write(root / name)
        assert ignored(root, name), name
    assert scanned(root) == {"seen.jpg"}
    assert not ignored(root, seen.name)


def test_a_file_named_like_a_junk_directory_is_a_file(root: Path) -> None:
    """Only directories are junk by name."""
    write(root / "a" / "@eaDir")
    assert not ignored(root, "a/@eaDir")


def test_nomedia_hides_its_directory_and_all_below(root: Path) -> None:
    """`.nomedia` counts for its own directory, not for the neighbours."""
    for name in ["a/1.jpg", "a/b/2.jpg", "c/3.jpg"]:
        write(root / name)
    write(root / "a" / ".nomedia", b"")
    assert scanned(root) == {"c/3.jpg"}
    assert ignored(root, "a/1.jpg")
    assert ignored(root, "a/b/2.jpg")
    assert not ignored(root, "c/3.jpg")


def test_a_hidden_folder_that_was_asked_for_is_watched(tmp_path: Path) -> None:
    """The rules begin below the root: adding ``~/.photos`` is meant."""
    write(tmp_path / ".photos" / "1.jpg")
    assert scanned(tmp_path / ".photos") == {"1.jpg"}


def test_excludes_are_relative_to_the_folder(root: Path) -> None:
    """`--exclude` uses the same syntax, counted from the folder itself."""
    for name in ["Screenshots/1.png", "a/Screenshots/2.png", "a/3.png"]:
        write(root / name)
    assert scanned(root, "/Screenshots/") == {"a/Screenshots/2.png", "a/3.png"}
    assert scanned(root, "Screenshots/") == {"a/3.png"}
    assert ignored(root, "a/Screenshots/2.png", "Screenshots/")


def test_an_exclude_that_is_no_pattern_is_refused_by_name(root: Path) -> None:
    """The person who typed it is told which one and how it is done."""
    for wrong in ["!", "[z-a]", "\\"]:
        with pytest.raises(BadRequest) as caught:
            IgnoreRules(os.fsencode(root), ["*.tmp", wrong])
        assert repr(wrong) in str(caught.value)
        assert "--exclude" in caught.value.remedy


def test_invalid_lines_do_not_affect_the_others(root: Path) -> None:
    """What would take back nothing known costs that line only; so do Windows line ends and BOMs."""
    write(root / "a.png")
    write(root / "b.jpg")
    for begin, encoding in ((b"", "utf-8"), (b"\xef\xbb\xbf", "utf-8"), (b"", "utf-16")):
        text = "!\n![z-a]\r\n*.png\r\n"
        write(root / ".photosdignore", begin + text.encode(encoding))
        assert scanned(root) == {"b.jpg"}


def plant_unreadable(directory: Path, how: str) -> None:
    """Make the ignore file of a directory one that does not say what to leave alone."""
    file = directory / ".photosdignore"
    match how:
        case "a directory":
            file.mkdir()
        case "a FIFO":
            os.mkfifo(file)
        case "a dangling link":
            file.symlink_to("gone")
        case "a link to itself":
            file.symlink_to(".photosdignore")
        case _:
            write(file, UNREADABLE[how])


UNREADABLE = {
    "a directory": b"",
    "a FIFO": b"",
    "a dangling link": b"",
    "a link to itself": b"",
    "no UTF-8": b"priv\xe9\n",
    "binary": b"private\0\n",
    "half a character": b"\xff\xfeprivate",
    "too large": b"private\n" * (IGNORE_FILE_BYTES // 8 + 1),
    "too many lines": b"*.a\n" * 20_000,
    "a line too long": b"private/" + b"*a" * 5_000 + b"\n",
    "no pattern": b"*.png\n[z-a]\n",
    "too many depths": b"**/a/**/b/**/private\n",
}


@pytest.mark.parametrize("how", UNREADABLE)
def test_an_ignore_file_that_cannot_be_read_hides_its_directory(root: Path, how: str) -> None:
    """Nothing below is found, files next to it are, and the scan names the bad file."""
    for name in ("1.jpg", "a/2.jpg", "a/b/3.jpg", "c/4.jpg"):
        write(root / name)
    plant_unreadable(root / "a", how)
    start, told = os.fsencode(root), list[Any]()
    rules = IgnoreRules(start)
    found = {entry.path for entry in scan(start, None, rules, on_error=lambda p, _: told.append(p))}
    assert found == {start + b"/1.jpg", start + b"/c/4.jpg"}
    assert told == [start + b"/a/.photosdignore"]
    assert (start + b"/a/b/3.jpg").startswith(unknown_below(told[0]))
    for path in (b"/a/2.jpg", b"/a/b/3.jpg"):
        with pytest.raises(OSError, match="photosdignore"):
            rules.ignored(start + path)
        with pytest.raises(OSError, match="photosdignore"):
            entry_of(start + path, rules)
    subtree = list(scan(start, start + b"/a/b", rules, on_error=lambda p, _: told.append(p)))
    assert subtree == []
    assert told == [start + b"/a/.photosdignore"] * 2


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_ignore_file_without_permission_hides_its_directory(root: Path) -> None:
    """And with it, it says what to leave alone."""
    write(root / "a.jpg")
    write(root / "b.png")
    write(root / ".photosdignore", b"*.png\n").chmod(0)
    assert scanned(root) == set()
    (root / ".photosdignore").chmod(0o600)
    assert scanned(root) == {"a.jpg"}


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO, errno.ESTALE, errno.ENOENT])
def test_whatever_the_disk_says_of_an_ignore_file(
    root: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """One that was listed and cannot be opened is not an empty one, even if it has vanished."""
    write(root / "a.jpg")
    write(root / ".photosdignore", b"*.png\n")
    real = os.open

    def refuse(path: Any, *arguments: Any, **options: Any) -> int:
        if bytes(path).endswith(b".photosdignore"):
            raise OSError(number, os.strerror(number), path)
        return real(path, *arguments, **options)

    monkeypatch.setattr(os, "open", refuse)
    start, told = os.fsencode(root), list[Any]()
    rules = IgnoreRules(start)
    assert not list(scan(start, None, rules, on_error=lambda *error: told.append(error)))
    assert told == [(start + b"/.photosdignore", number)]


def test_excludes_that_make_no_sense_any_more_hide_the_folder(root: Path) -> None:
    """They were understood when they were given; what they were to exclude is not known now."""
    write(root / "a.jpg")
    start, told = os.fsencode(root), list[Any]()
    rules = IgnoreRules(start, ["[z-a]"], strict=False)
    assert not list(scan(start, None, rules, on_error=lambda path, _: told.append(path)))
    assert [unknown_below(path) for path in told] == [start + b"/"]


def test_names_that_are_not_text(root: Path) -> None:
    """Bytes, newlines and quotes pass through patterns and answers."""
    start = os.fsencode(root)
    names = [b"caf\xe9.jpg", b"new\nline.jpg", b"quote'\".jpg", b"\xff\xfe.jpg", b"x\xff.png"]
    for name in names:
        with open(os.path.join(start, name), "wb"):
            pass
    write(root / ".photosdignore", b"caf?.*\nnew*\n")
    rules = IgnoreRules(start, ["*.png"])
    left = {b"quote'\".jpg", b"\xff\xfe.jpg"}
    assert {entry.path[len(start) + 1 :] for entry in scan(start, None, rules)} == left
    assert {name for name in names if not rules.ignored(start + b"/" + name)} == left


def test_another_watched_folder_inside_is_left_to_itself(root: Path) -> None:
    """Nested roots: the outer one stops at the inner one."""
    write(root / "1.jpg")
    write(root / "inner" / "2.jpg")
    start = os.fsencode(root)
    rules = IgnoreRules(start, other_roots=[start + b"/inner", start])
    assert {entry.path for entry in scan(start, None, rules)} == {start + b"/1.jpg"}
    assert rules.ignored(start + b"/inner/2.jpg")


def test_a_path_outside_the_folder_is_a_mistake(root: Path) -> None:
    """Asking the wrong rules is an error, not an answer; a common prefix is not inside."""
    rules = IgnoreRules(os.fsencode(root))
    with pytest.raises(ValueError, match="is not in"):
        rules.ignored(os.fsencode(root) + b"2/1.jpg")
    assert files_below(root) == set()


@pytest.mark.parametrize(
    ("lines", "path"),
    [
        ("Priv\N{LATIN SMALL LETTER E WITH ACUTE}/\n", "Prive\N{COMBINING ACUTE ACCENT}/a.jpg"),
        ("Prive\N{COMBINING ACUTE ACCENT}/\n", "Priv\N{LATIN SMALL LETTER E WITH ACUTE}/a.jpg"),
        ("\N{RIGHT-TO-LEFT MARK}פרטי/\n", "פרטי/a.jpg"),
        ("פרטי/\n", "פרטי\N{LEFT-TO-RIGHT MARK}/a.jpg"),
        ("Other/\rPrivate/\r", "Private/a.jpg"),
        ("./Private/\n", "Private/a.jpg"),
    ],
)
def test_what_looks_excluded_is(root: Path, lines: str, path: str) -> None:
    """Accents of their own (macOS), marks of direction, line ends of any system, `./`."""
    write(root / path)
    write(root / "b.jpg")
    (root / ".photosdignore").write_bytes(lines.encode())
    assert scanned(root) == {"b.jpg"}
    assert ignored(root, path)
    (root / ".photosdignore").unlink()
    assert scanned(root, *lines.split()) == {"b.jpg"}


def test_a_class_that_is_not_known_hides_the_directory(root: Path) -> None:
    """Git knows `[[:upper:]]`; here it would exclude something else."""
    write(root / "Private/a.jpg")
    (root / ".photosdignore").write_text("[[:upper:]]*/\n")
    assert scanned(root) == set()
    with pytest.raises(BadRequest):
        IgnoreRules(bytes(root), ["[[:upper:]]*/"])


def test_an_exclude_may_be_a_whole_path(root: Path) -> None:
    """Shells make one of `~/Pictures/Private`, and people drag folders into terminals."""
    for name in ("Private/a.jpg", "b/Private/a.jpg", "b.jpg"):
        write(root / name)
    assert scanned(root, f"{root}/Private") == {"b/Private/a.jpg", "b.jpg"}
    assert scanned(root, "Private", f"!{root}/Private") == {"Private/a.jpg", "b.jpg"}


@pytest.mark.parametrize("mark", [".photosdignore", ".nomedia"])
@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.ENOMEM])
def test_a_mark_that_cannot_be_looked_for_is_not_taken_for_absent(
    root: Path, monkeypatch: pytest.MonkeyPatch, mark: str, number: int
) -> None:
    """A single photo is asked about, as after a change, on a share that is unwell."""
    write(root / "private/a.jpg")
    write(root / "private" / mark, b"*.jpg\n")
    rules, photo = IgnoreRules(os.fsencode(root)), os.fsencode(root / "private/a.jpg")
    assert rules.ignored(photo)
    real = os.lstat

    def refuse(path: Any, *arguments: Any, **options: Any) -> os.stat_result:
        if os.fsencode(path).endswith(mark.encode()):
            raise OSError(number, os.strerror(number), path)
        return real(path, *arguments, **options)

    monkeypatch.setattr(os, "lstat", refuse)
    with pytest.raises(OSError) as unknown:
        rules.ignored(photo)
    assert unknown.value.errno == number


def test_a_link_that_cannot_be_looked_at_is_not_followed(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Photos behind a link to a directory are somewhere else, and may be private there."""
    write(tmp_path / "elsewhere/a.jpg")
    (root / "link").symlink_to(tmp_path / "elsewhere")
    real = os.lstat

    def refuse(path: Any, *arguments: Any, **options: Any) -> os.stat_result:
        if os.fsencode(path).endswith(b"/link"):
            raise OSError(errno.EIO, "broken", path)
        return real(path, *arguments, **options)

    monkeypatch.setattr(os, "lstat", refuse)
    with pytest.raises(OSError):
        IgnoreRules(os.fsencode(root)).ignored(os.fsencode(root / "link/a.jpg"))


def test_an_ignore_file_that_leads_to_a_share_is_not_opened(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The share may hang, and with it the scan of this disk. Nothing is found below."""
    share = tmp_path / "share"
    table = {b"/": Mount(b"/", "ext4", ""), bytes(share): Mount(bytes(share), "nfs4", "")}
    monkeypatch.setattr("photosd.watch.ignore.mounts", lambda: table)
    (tmp_path / "nas").symlink_to(share)
    (tmp_path / "home").symlink_to(tmp_path)
    (tmp_path / "mine").symlink_to(tmp_path / "home/nas")
    write(root / "a/1.jpg")
    for place in (share, tmp_path / "nas", tmp_path / "local"):
        write(place / "rules", b"*.png\n")
    link = root / "a/.photosdignore"
    for target, found in (
        (share / "rules", set[str]()),
        (tmp_path / "nas/rules", set()),
        ("../../nas/../share/rules", set()),
        (tmp_path / "home/mine/rules", set()),  # one link twice, which is no circle
        (tmp_path / "home/home/local/rules", {"a/1.jpg"}),
        (link, set()),  # a circle
        (tmp_path / "local/rules", {"a/1.jpg"}),
    ):
        link.unlink(missing_ok=True)
        link.symlink_to(target)
        assert scanned(root) == found, target
    link.unlink()
    link.symlink_to(share / "rules")
    with pytest.raises(OSError) as unknown:
        ignored(root, "a/1.jpg")
    assert unknown.value.errno == errno.EXDEV
    assert "network share" in why_unknown(bytes(link), errno.EXDEV)
    assert "copy" in remedy_for(bytes(link), errno.EXDEV)


def test_an_ignore_file_on_a_disk_that_is_mounted_in_a_share(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The way to the disk leads through the share: a link may do so, too."""
    table = {b"/": Mount(b"/", "nfs4", ""), bytes(root): Mount(bytes(root), "ext4", "")}
    monkeypatch.setattr("photosd.watch.ignore.mounts", lambda: table)
    write(root / "a/1.jpg")
    write(root / "a/2.png")
    write(root / "rules", b"*.png\n")
    for target in (root / "rules", "../rules"):
        (root / "a/.photosdignore").unlink(missing_ok=True)
        (root / "a/.photosdignore").symlink_to(target)
        assert scanned(root) == {"a/1.jpg"}


def test_an_ignore_file_on_a_share_may_lead_to_another_one_there(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It hangs with the photos at most."""
    table = {b"/": Mount(b"/", "ext4", ""), bytes(root): Mount(bytes(root), "nfs4", "")}
    monkeypatch.setattr("photosd.watch.ignore.mounts", lambda: table)
    write(root / "a/1.jpg")
    write(root / "a/2.png")
    write(root / "rules", b"*.png\n")
    (root / "a/.photosdignore").symlink_to(root / "rules")
    assert scanned(root) == {"a/1.jpg"}
