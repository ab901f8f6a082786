"""Every remedy that photosd gives helps: done as it is said, the photo is indexed."""

from __future__ import annotations

import importlib.util
import io
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import photosd.decode
from photosd.core.formats import is_raw_name
from photosd.decode import damage, opening, pixels, raw, reading
from photosd.decode.decode_errors import DecodeFailed, DecoderDied, TooSlow
from photosd.decode.limits import DecodeLimits
from photosd.decode.messages import ContentIdentity, Shape
from photosd.index import worklist
from photosd.index.retries import crash_failure
from photosd.index.worklist import Circumstances
from tests.decode.pictures import encoded, jpeg, scene
from tests.index.shelf import Shelf

GOOD = jpeg(scene(64, 48))
SMALL = DecodeLimits(memory=64 << 20)
Patch = pytest.MonkeyPatch


class FailingLibrary(Shelf):
    """Decodes in this process, as a decoder would, within limits that can be set."""

    def __init__(self, directory: Path, patch: Patch) -> None:
        super().__init__(directory)
        self.patch = patch
        self.limits = SMALL.resolved()
        self.troubles: dict[bytes, Callable[[], None]] = {}  # of the disk, by path
        known = Circumstances()
        self.circumstances = lambda: known.now(self.limits)
        self.decode = self._decode

    def _decode(self, path: bytes) -> ContentIdentity:
        data = None
        try:
            data, identity = self._read(path)
            picture = (raw.open_raw if is_raw_name(path) else opening.open_picture)(
                data, self.limits
            )
            pixels.squares(picture, Shape(32))
        except Exception as error:
            raise damage.explain(error, data, self.limits) from error
        return identity

    def _read(self, path: bytes) -> tuple[bytes, ContentIdentity]:
        self.troubles.get(path, lambda: None)()
        try:
            if not Path(os.fsdecode(path)).stat().st_mode & 0o400:  # root, too
                raise PermissionError(13, "Permission denied")
        except OSError as error:
            raise reading.failure_of(error) from error
        return reading.read(path, self.limits)

    def trouble(self, name: str, error: Exception) -> None:
        """From now on reading it ends so."""

        def strike() -> None:
            raise error

        self.troubles[bytes(self.root / name)] = strike

    def wait(self) -> None:
        """Let the time pass until what is to be tried again is."""
        with self.database.write() as db:
            db.execute("UPDATE photos SET due = 0 WHERE state = 'failed' AND due IS NOT NULL")

    def do(self, remedy: str) -> None:
        """Carry out the command in a remedy."""
        if found := re.search(r"photosd config set decode\.max_megapixels (\d+)$", remedy):
            self.limits = DecodeLimits(max_megapixels=int(found[1]), memory=SMALL.memory).resolved()
            self.worklist.reconsider()  # as the library does when a setting changes
        elif "photosd failures --retry" in remedy:
            self.worklist.retry_failures()
        else:
            raise AssertionError(f"no command: {remedy}")


Case = Callable[[FailingLibrary], Callable[[str], None]]  # plants a fault in x.jpg; its remedy


def file_of(data: bytes, name: str = "x.jpg") -> Case:
    """A bad file; the remedy is a good one in its place."""

    def plant(library: FailingLibrary) -> Callable[[str], None]:
        library.write(name, data)

        def repair(_: str) -> None:
            library.write(name, GOOD, at=2_000_000_000.0)

        return repair

    return plant


def passing(error: Exception, remedy: str) -> Case:
    """Failures that end when the user follows the remedy, or by themselves."""

    def plant(library: FailingLibrary) -> Callable[[str], None]:
        library.write("x.jpg", GOOD)
        library.trouble("x.jpg", error)

        def repair(said: str) -> None:
            assert remedy in said
            library.troubles.clear()
            library.wait()

        return repair

    return plant


def permission(library: FailingLibrary) -> Callable[[str], None]:
    file = library.write("x.jpg", GOOD)
    file.chmod(0)

    def repair(remedy: str) -> None:
        assert "chmod u+r" in remedy
        file.chmod(0o400)

    return repair


def too_many_pixels(library: FailingLibrary) -> Callable[[str], None]:
    library.write("x.jpg", encoded(Image.new("L", (4000, 3000)), "PNG"))
    return library.do


def too_many_bytes(library: FailingLibrary) -> Callable[[str], None]:
    library.write("x.jpg", GOOD + bytes(SMALL.memory // 3))
    return library.do


def too_much_memory(library: FailingLibrary) -> Callable[[str], None]:
    file = library.write("x.jpg", GOOD)

    def strike() -> None:
        if library.limits.memory <= SMALL.memory:
            raise MemoryError

    library.troubles[bytes(file)] = strike
    return library.do


def too_little_free_memory(library: FailingLibrary) -> Callable[[str], None]:
    library.limits = DecodeLimits(max_megapixels=100).resolved()
    buffer = io.BytesIO()
    Image.new("L", (6000, 5000)).save(buffer, "PNG")
    library.write("x.jpg", buffer.getvalue())

    library.patch.setattr("photosd.core.machine.available", lambda *_: 1 << 20)

    def repair(remedy: str) -> None:
        assert "retried later" in remedy
        library.patch.undo()
        library.wait()

    return repair


def no_raw_reader(library: FailingLibrary) -> Callable[[str], None]:
    library.write("x.cr2", b"II*\0" + bytes(99))

    def repair(remedy: str) -> None:
        assert 'pip install "rawpy>=' in remedy
        find = importlib.util.find_spec
        library.patch.setattr(
            importlib.util, "find_spec", lambda name: name == "rawpy" or find(name)
        )
        rendered = opening.OpenedPicture(Image.new("RGB", (640, 480)), "RAW", (640, 480))
        library.patch.setattr(raw, "rendered", lambda *_: rendered)

    return repair


def no_jxl_reader(library: FailingLibrary) -> Callable[[str], None]:
    library.patch.setitem(sys.modules, "pylibjxl", None)
    library.write("x.jxl", b"\xff\x0a" + bytes(99))

    def repair(remedy: str) -> None:
        assert "pylibjxl>=" in remedy
        find = importlib.util.find_spec
        library.patch.setattr(
            importlib.util, "find_spec", lambda name: name == "pylibjxl" or find(name)
        )
        library.patch.setattr(opening, "size_of", lambda _: (640, 480))
        library.patch.setattr(opening, "decoded", lambda _: Image.new("RGB", (640, 480)))

    return repair


def another_version(error: Exception) -> Case:
    """What only another photosd can read, or another Pillow."""

    def plant(library: FailingLibrary) -> Callable[[str], None]:
        library.write("x.jpg", GOOD)
        library.trouble("x.jpg", error)

        def repair(remedy: str) -> None:
            assert "photosd bugreport" in remedy or "Convert it to JPEG" in remedy
            library.troubles.clear()
            library.patch.setattr(worklist, "version", lambda _name: "99")
            known = Circumstances()  # as after a restart
            library.circumstances = lambda: known.now(library.limits)
            library.worklist.reconsider()

        return repair

    return plant


def quarantined(library: FailingLibrary) -> Callable[[str], None]:
    library.write("x.jpg", GOOD)
    failure = crash_failure("killed", "stack", 2)
    assert failure is not None
    library.trouble("x.jpg", DecodeFailed(failure.code or "", failure.reason, failure.remedy))

    def repair(remedy: str) -> None:
        library.troubles.clear()
        library.do(remedy)

    return repair


def refused_by_the_catalog(library: FailingLibrary) -> Callable[[str], None]:
    file = library.write("x.jpg", GOOD)
    with library.database.write() as db:
        db.execute(
            "CREATE TRIGGER sick BEFORE INSERT ON photos WHEN NEW.state = 'pending'"
            f" AND NEW.path = x'{bytes(file).hex()}' BEGIN SELECT RAISE(ABORT, 'sick'); END"
        )

    def repair(remedy: str) -> None:
        assert "photosd bugreport" in remedy
        with library.database.write() as db:  # whatever was reported was fixed
            db.execute("DROP TRIGGER sick")

    return repair


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


PIPE = "rename it so that it does not look like a photo"
BIG = jpeg(scene(900, 700))
CASES: dict[str, list[Case]] = {
    "permission": [permission],
    "too_large": [too_many_pixels, too_many_bytes],
    "memory": [too_much_memory, too_little_free_memory],
    "raw_without_preview": [no_raw_reader],
    "jxl_without_reader": [no_jxl_reader],
    "internal": [another_version(RuntimeError("odd"))],
    "unsupported": [another_version(DecodeFailed("unsupported", "odd", "Convert it to JPEG"))],
    "empty": [file_of(b""), file_of(b"", "x.nef")],
    "truncated": [file_of(cut(BIG))],
    "damaged": [file_of(bytes(9000)), file_of(b"\xff\xd8\xff" + bytes(99))],
    "not_a_picture": [file_of(b"Dear diary,\n" * 50), file_of(b"\0\0\0\x18ftypisom" + bytes(99))],
    "changing": [
        passing(DecodeFailed("changing", "odd", "no action needed", True), "no action needed")
    ],
    "in_the_cloud": [passing(DecodeFailed("in_the_cloud", "odd", "download it", True), "download")],
    "io": [passing(reading.failure_of(OSError(5, "odd")), "check the disk")],
    "slow_disk": [passing(DecodeFailed("slow_disk", "odd", "check the disk", True), "check")],
    "quarantined": [quarantined],
    "catalog": [refused_by_the_catalog],
}
# Not failures of a photo: the pipeline compares it again, or tries it again, or does not index it.
OTHERS = {"gone", "decoder_died", "decoder_unavailable", "nonsense", "stopped", "deadline"}
# Such a name is not taken for a photo at all: renamed or removed, it is another one or none.
NAMES = {"link_loop", "name", "not_a_file"}


@pytest.fixture
def library(tmp_path: Path, monkeypatch: Patch) -> FailingLibrary:
    return FailingLibrary(tmp_path, monkeypatch)


def test_every_remedy_helps(tmp_path: Path, monkeypatch: Patch) -> None:
    """One after the other; meanwhile a sound photo is not touched."""
    for code, cases in CASES.items():
        for number, case in enumerate(cases):
            directory = tmp_path / f"{code}-{number}"
            directory.mkdir()
            with monkeypatch.context() as patch:
                check(FailingLibrary(directory, patch), code, case)


def check(library: FailingLibrary, code: str, case: Case) -> None:
    """The photo fails with this code; after its remedy it is indexed."""
    library.write("sound.jpg", GOOD)
    repair = case(library)
    library.settle()
    states = library.states()
    assert states.pop("sound.jpg") == "indexed"
    (name, state), *more = states.items()
    assert (state, more) == ("failed", []), (code, states)
    photo = library.photo(name)
    assert (photo.code, bool(photo.reason)) == (code, True), (code, photo)
    library.settle()
    assert library.states()[name] == "failed", f"{code}: it was mended by nothing"
    repair(photo.remedy or "")
    library.hint(name)  # a new file or other permissions raise an event; so does nothing else here
    library.work()
    assert library.states()[name] == "indexed", (code, library.photo(name))


def test_there_is_no_other_remedy() -> None:
    """Every code in the sources has its case above."""
    sources = Path(photosd.decode.__file__).parent.rglob("*.py")
    quoted = r'(?:DecodeFailed|super\(\)\.__init__)\(\s*"([a-z_]+)"'
    codes = {code for file in sources for code in re.findall(quoted, file.read_text())}
    assert codes <= CASES.keys() | OTHERS | NAMES
    assert {DecoderDied("", "").code, TooSlow().code} <= OTHERS


@pytest.mark.parametrize("kind", ["loop", "pipe", "long"])
def test_a_directory_named_like_a_photo_is_no_failure(library: FailingLibrary, kind: str) -> None:
    """It is not indexed, not a failure, and forgotten where a photo was."""
    file = library.write("x.jpg", GOOD)
    library.settle()
    file.unlink()
    if kind == "loop":
        file.symlink_to("x.jpg")
    elif kind == "pipe":
        os.mkfifo(file)
    library.settle()
    assert library.states() == {}
    library.hint("x.jpg")
    assert library.states() == {}


def test_permission_that_comes_while_it_is_tried_counts(library: FailingLibrary) -> None:
    """The photo was handed out without it, and fails after it was given."""
    file = library.write("x.jpg", GOOD)
    file.chmod(0)
    library.compare()
    (photo,) = library.worklist.due(9)
    file.chmod(0o400)
    library.hint("x.jpg")
    library.worklist.failed(photo, failure_for(photo))
    assert library.states() == {"x.jpg": "pending"}
    library.work()
    assert library.states() == {"x.jpg": "indexed"}


def test_a_limit_that_rises_while_it_is_tried_counts(library: FailingLibrary) -> None:
    """The decoder refused it by the former limit."""
    library.write("x.jpg", encoded(Image.new("L", (4000, 3000)), "PNG"))
    library.compare()
    library.worklist.reconsider()
    (photo,) = library.worklist.due(9)
    library.do("photosd config set decode.max_megapixels 99")
    library.worklist.failed(photo, failure_for(photo, "too_large"))
    library.work()
    library.worklist.reconsider()
    library.work()
    assert library.states() == {"x.jpg": "indexed"}


def failure_for(_photo: Any, code: str = "permission") -> Any:
    from photosd.index.worklist import WorkFailure

    return WorkFailure("odd", "none", code=code)


def test_a_raised_limit_lowers_no_other() -> None:
    """The number that is told is at least what holds now for every format."""
    limits = DecodeLimits().resolved()
    for kind, size in (("JPEG2000", 200_000_000), ("PNG", 1)):
        told = re.search(r"(\d+)$", limits.remedy(pixels=size))
        assert told
        raised = DecodeLimits(max_megapixels=int(told[1])).resolved()
        for other in ("JPEG", "PNG", "HEIF", kind):
            assert raised.pixels(other) >= limits.pixels(other) - 1_000_000
