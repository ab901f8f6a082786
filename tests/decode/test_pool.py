"""Every file's future ends: with pixels, or with a reason; urgent ones do not queue."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import threading
import zlib
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

from photosd.core.clock import Deadline
from photosd.core.errors import Busy
from photosd.decode import lane
from photosd.decode.decode_errors import (
    DecodeFailed,
    FileGone,
    Stopped,
    TooSlow,
)
from photosd.decode.limits import HEAD_BYTES, DecodeLimits
from photosd.decode.pool import Pool
from tests.decode.conftest import Order
from tests.decode.pictures import encoded, jpeg, scene, write
from tests.decode.test_words_of_photos import packet
from tests.decode.waiting import SHAPE, SOON, Make, failure, gone, wait_for


def test_a_photo_comes_back_as_pixels_facts_and_identity(pool: Pool, photo: bytes) -> None:
    """And `identify` says the same about its bytes."""
    decoded = pool.decode(photo, SHAPE).result(SOON)
    assert decoded.pixels.shape == (1, 32, 32, 3) and decoded.pixels.dtype == np.uint8
    assert decoded.facts.width == 96 and decoded.facts.format == "JPEG"
    identity = pool.identify(photo).result(SOON)
    assert (identity.content_id, identity.mtime_ns) == (decoded.content_id, decoded.mtime_ns)
    assert decoded.size == Path(os.fsdecode(photo)).stat().st_size


def _with_much_before_the_pixels(photo: bytes) -> bytes:
    """The JPEG with more metadata than is read at first, and a title after it."""
    data = Path(os.fsdecode(photo)).read_bytes()
    much = (b"\xff\xe9" + (65_535).to_bytes(2) + bytes(65_533)) * (HEAD_BYTES // 65_536 + 2)
    words = b"http://ns.adobe.com/xap/1.0/\0" + packet("<dc:title>late</dc:title>").encode()
    return data[:2] + much + b"\xff\xe1" + (len(words) + 2).to_bytes(2) + words + data[2:]


def test_facts_and_sidecars_come_back_without_pixels(
    pool: Pool, photo: bytes, tmp_path: Path
) -> None:
    """The same as with pixels, also those that a PNG has after them."""
    for path in (photo, write(tmp_path / "large.jpg", _with_much_before_the_pixels(photo))):
        read, decoded = pool.facts(path).result(SOON), pool.decode(path, SHAPE).result(SOON)
        assert (read.size, read.mtime_ns) == (decoded.size, decoded.mtime_ns)
        assert read.facts == decoded.facts
    plain = encoded(scene(), "PNG")
    words = b"XML:com.adobe.xmp\0\0\0\0\0" + packet("<dc:title>late</dc:title>").encode()
    chunk = len(words).to_bytes(4) + b"iTXt" + words + zlib.crc32(b"iTXt" + words).to_bytes(4)
    late = write(tmp_path / "late.png", plain[:-12] + chunk + plain[-12:])
    assert pool.facts(late).result(SOON).facts.title == "late"
    sidecar = write(tmp_path / "late.xmp", packet("<dc:title>beside</dc:title>").encode())
    assert pool.sidecars(late, [[sidecar], []]).result(SOON) == ({"title": "beside"}, {})
    error = pool.facts(write(tmp_path / "text.jpg", b"Dear diary")).exception(SOON)
    assert isinstance(error, DecodeFailed) and error.code == "not_a_picture"


def test_a_thumbnail_comes_back_as_jpeg(pool: Pool, photo: bytes) -> None:
    """With the size it really has."""
    small = pool.thumbnail(photo, (48, 48), Deadline.after(SOON)).result(SOON)
    assert small.data.startswith(b"\xff\xd8\xff") and (small.width, small.height) == (48, 40)


def _bomb() -> bytes:
    """A PNG of 40,000 x 40,000 pixels in a few hundred bytes of header and one line of data."""
    small = bytearray(encoded(Image.new("L", (1, 1)), "PNG"))
    small[16:24] = (40_000).to_bytes(4) * 2
    small[29:33] = zlib.crc32(bytes(small[12:29])).to_bytes(4)
    return bytes(small)


BAD = [
    ("text.jpg", b"Dear diary,\n" * 50, "not_a_picture", "not a picture: the file holds text"),
    ("empty.jpg", b"", "empty", "the file is empty (0 bytes)"),
    ("zeros.jpg", bytes(9000), "damaged", "its content was lost"),
    ("cut.jpg", jpeg(scene(900, 700))[:9000], "truncated", "the JPEG picture ends too early"),
    ("cut.png", encoded(scene(900, 700), "PNG")[:9000], "truncated", "PNG picture ends too early"),
    ("bomb.png", _bomb(), "too_large", "too large: 1,600 MP, the limit on this machine is"),
    ("clip.heic", b"\0\0\0\x18ftypisom" + bytes(99), "not_a_picture", "the file holds a video"),
    ("noise.webp", b"\xfe\xdc" * 99, "not_a_picture", "not a picture photosd knows"),
    ("none.cr2", b"II*\0" + bytes(99), "raw_without_preview", "holds no preview"),
]


@pytest.mark.parametrize(("name", "data", "code", "reason"), BAD, ids=[bad[0] for bad in BAD])
def test_bad_files_fail_in_words_a_person_understands(
    pool: Pool, tmp_path: Path, name: str, data: bytes, code: str, reason: str
) -> None:
    """And no decoder dies of them; only a changed file is tried again."""
    before = pool.pids
    failed = failure(pool, write(tmp_path / name, data))
    assert (failed.code, failed.transient) == (code, False)
    assert reason in failed.reason and failed.remedy
    assert set(before) <= set(pool.pids)


def test_missing_files_and_folders_have_different_errors(pool: Pool, tmp_path: Path) -> None:
    """Through the process boundary too."""
    assert isinstance(failure(pool, bytes(tmp_path / "missing.jpg")), FileGone)
    assert failure(pool, bytes(tmp_path)).code == "not_a_file"


def test_the_pixel_limit_can_be_changed_while_running(make: Make, tmp_path: Path) -> None:
    """The message says how; the next file obeys."""
    pool = make(max_megapixels=1)
    path = write(tmp_path / "large.png", encoded(Image.new("L", (1500, 1000)), "PNG"))
    failed = failure(pool, path)
    assert failed.reason == "too large: 2 MP, the limit on this machine is 1 MP"
    assert failed.remedy.endswith("photosd config set decode.max_megapixels 2")
    pool.set_limits(DecodeLimits(max_megapixels=2))
    assert pool.decode(path, SHAPE).result(SOON).facts.width == 1500


def test_what_a_person_waits_for_does_not_wait_behind_indexing(
    make: Make, order: Order, tmp_path: Path, photo: bytes
) -> None:
    """Thumbnails and query photos have workers of their own, which are not niced."""
    seen = tmp_path / "seen"
    order({"name": "slow.jpg", "do": "wait", "seen": str(seen), "until": "/nonexistent"})
    pool = make()
    stuck = pool.decode(write(tmp_path / "slow.jpg", jpeg(scene())), SHAPE)
    assert pool.thumbnail(photo, (64, 64)).result(SOON).width == 64
    assert pool.decode(photo, SHAPE, urgent=True).result(SOON).facts.width == 96
    assert not stuck.done()
    wait_for(seen.exists)
    background, *others = (psutil.Process(pid).nice() for pid in pool.pids)
    assert background == min(19, psutil.Process().nice() + 19)
    assert set(others) == {psutil.Process().nice()}


def test_a_caller_in_a_hurry_is_answered_by_its_deadline(
    make: Make, order: Order, photo: bytes
) -> None:
    """Also when the deadline passed before its turn came, or the photo hangs."""
    order({"name": "photo.jpg", "do": "hang"})
    pool = make()
    assert isinstance(pool.thumbnail(photo, (64, 64), Deadline.after(0)).exception(SOON), TooSlow)
    assert isinstance(pool.thumbnail(photo, (64, 64), Deadline.after(1)).exception(SOON), TooSlow)


def test_too_many_waiting_files_are_refused(
    make: Make, order: Order, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rather than kept in memory without limit; a cancelled one costs nothing."""
    monkeypatch.setattr(lane, "MAX_WAITING", 3)
    order({"do": "hang"})
    pool = make()
    with pytest.raises(Busy):
        for _ in range(6):
            pool.decode(photo, SHAPE)


def test_a_cancelled_file_is_not_read(
    make: Make, order: Order, tmp_path: Path, photo: bytes
) -> None:
    """Its place in the queue is simply passed over."""
    seen, until = tmp_path / "seen", tmp_path / "until"
    order({"name": "photo.jpg", "do": "wait", "seen": str(seen), "until": str(until)})
    pool = make()
    first = pool.decode(photo, SHAPE)
    wait_for(seen.exists)
    second, third = pool.decode(photo, SHAPE), pool.decode(photo, SHAPE)
    assert second.cancel()
    until.touch()
    assert first.result(SOON).facts == third.result(SOON).facts


def test_stopping_ends_every_process_at_once(make: Make, order: Order, photo: bytes) -> None:
    """Even one that hangs; waiting callers get Stopped."""
    order({"name": "photo.jpg", "do": "hang"})
    pool = make()
    futures = [pool.decode(photo, SHAPE) for _ in range(3)]
    wait_for(lambda: bool(pool.pids))
    pids = pool.pids
    pool.stop()
    assert all(gone(pid) for pid in pids) and pool.pids == []
    assert all(isinstance(future.exception(20), Stopped) for future in futures)
    assert isinstance(pool.decode(photo, SHAPE).exception(20), Stopped)


def test_no_decoder_outlives_a_daemon_that_is_killed(
    order: Order, tmp_path: Path, photo: bytes
) -> None:
    """The daemon cannot handle SIGKILL; an idle decoder and one in native code both end."""
    # Elsewhere a timer of two minutes ends what holds the GIL: tests/darwin/test_workers_end.py.
    order({"name": "hung.jpg", "do": "hang_gil" if sys.platform == "linux" else "hang"})
    write(tmp_path / "hung.jpg", jpeg(scene()))
    script = (
        "import sys, time; from photosd.decode.pool import Pool, Shape\n"
        "pool = Pool(1); pool.start(); path = sys.argv[1].encode()\n"
        "pool.decode(path.replace(b'photo', b'hung'), Shape(32))\n"
        "pool.thumbnail(path, (32, 32)).result(20)\n"
        "while len(pool.pids) < 2: time.sleep(0.01)\n"
        "print(*pool.pids, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script, os.fsdecode(photo)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert parent.stdout is not None
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        assert len(pids) == 2
    finally:
        parent.kill()
        parent.wait(60)
    assert all(gone(pid) for pid in pids)


def test_decoders_import_nothing_from_the_current_directory(
    make: Make, photo: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under systemd that is the home directory: a `queue.py` there stopped every worker."""
    for name in ("queue", "msgspec", "photosd"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit(3)")
    monkeypatch.chdir(tmp_path)
    assert make().decode(photo, SHAPE).result(SOON).facts.width == 96


@pytest.mark.skipif(sys.platform != "linux", reason="limits of other processes are Linux's to show")
def test_decoders_run_within_limits(pool: Pool, photo: bytes) -> None:
    """Address space, size of written files, open files: all bounded; no core dumps."""
    if sys.platform != "linux":  # for the type checker
        return
    pool.decode(photo, SHAPE).result(SOON)
    process = psutil.Process(pool.pids[0])
    for what in (resource.RLIMIT_AS, resource.RLIMIT_FSIZE, resource.RLIMIT_NOFILE):
        assert process.rlimit(what)[1] != resource.RLIM_INFINITY
    assert process.rlimit(resource.RLIMIT_CORE) == (0, 0)
    assert process.net_connections("inet") == []


def _background_threads() -> int:
    """Those of every pool of this process."""
    return sum(one.name.startswith("decode-background-") for one in threading.enumerate())


def test_the_number_of_workers_can_be_changed_while_running(make: Make, photo: bytes) -> None:
    """More read at once when told so; fewer stay when told that."""
    before = _background_threads()
    pool = make(workers=1)
    pool.set_workers(3)
    for future in [pool.decode(photo, SHAPE) for _ in range(30)]:
        future.result(60)
    assert _background_threads() == before + 3
    pool.set_workers(1)
    wait_for(lambda: _background_threads() == before + 1)
    assert pool.decode(photo, SHAPE).result(60).pixels.size
