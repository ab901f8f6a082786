"""What is left alone: hidden files, junk, marks, patterns; the same for one path as for a scan."""

# Names are bytes here, which pathlib does not know.
# ruff: noqa: PTH118, PTH123

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from photosd.core.errors import BadRequest
from photosd.watch.ignore import IgnoreRules
from photosd.watch.scanner import scan
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
    """`.nomedia` counts for the directory it lies in, not for its neighbours."""
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


def test_lines_that_are_no_patterns_do_not_spoil_the_others(root: Path) -> None:
    """In an ignore file a mistake costs that line only; so do NUL bytes and Windows line ends."""
    write(root / "a.png")
    write(root / "b.jpg")
    write(root / ".photosdignore", b"!\n[z-a]\r\n*.png\r\n\xff\x00\n")
    assert scanned(root) == {"b.jpg"}


def test_an_ignore_file_that_cannot_be_read_stops_nothing(root: Path) -> None:
    """A directory, a dangling link or a FIFO of that name must not block or end a scan."""
    for number in range(3):
        write(root / str(number) / "1.jpg")
    (root / "0" / ".photosdignore").mkdir()
    os.mkfifo(root / "1" / ".photosdignore")
    (root / "2" / ".photosdignore").symlink_to("gone")
    assert scanned(root) == {"0/1.jpg", "1/1.jpg", "2/1.jpg"}


def test_names_that_are_not_text(root: Path) -> None:
    """Bytes, newlines and quotes pass through patterns and answers."""
    start = os.fsencode(root)
    names = [b"caf\xe9.jpg", b"new\nline.jpg", b"quote'\".jpg", b"\xff\xfe.jpg", b"x\xff.png"]
    for name in names:
        with open(os.path.join(start, name), "wb"):
            pass
    write(root / ".photosdignore", b"caf\xe9*\nnew*\n")
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
