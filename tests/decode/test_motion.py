"""Motion photos: the still is read, and it is said that the file holds a video."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from photosd.decode import facts, opening
from photosd.decode.limits import END_BYTES, HEAD_BYTES
from photosd.decode.motion import video_follows
from photosd.decode.pool import Pool
from tests.decode.pictures import LIMITS, SHAPE, jpeg, psnr, scene, tiles_of, write
from tests.decode.test_facts import xmp_packet
from tests.decode.test_previews import heic
from tests.decode.waiting import SOON

VIDEO = struct.pack(">I4s8s", 16, b"ftyp", b"mp42\0\0\0\0") + bytes(5000)
GOOGLE = 'xmlns:GCamera="http://ns.google.com/photos/1.0/camera/" GCamera:{}="{}"/>'


def samsung(video: bool = True) -> bytes:
    """What Samsung appends: a video, or only a name, and the list of it."""
    kind, content = (0x0A30, VIDEO) if video else (0x0A01, b"x" * 20)
    entry = struct.pack("<HHII", 0, kind, len(content), len(content))
    directory = b"SEFH" + struct.pack("<II", 107, 1) + entry
    return content + directory + struct.pack("<I", len(directory)) + b"SEFT"


def marked(name: str, value: str = "1") -> bytes:
    """A JPEG whose XMP has this property."""
    return jpeg(scene(), xmp=xmp_packet(GOOGLE.format(name, value))) + VIDEO


@pytest.mark.parametrize(
    ("data", "motion"),
    [
        (marked("MotionPhoto"), True),
        (marked("MicroVideo"), True),
        (marked("MotionPhoto", "0"), False),
        (jpeg(scene()) + samsung(), True),
        (jpeg(scene()) + samsung(video=False), False),
        (jpeg(scene()) + VIDEO, False),  # without any mark
        (heic(scene()) + struct.pack(">I4s", 8 + len(VIDEO), b"mpvd") + VIDEO, True),
        (heic(scene()), False),
    ],
)
def test_the_still_is_the_photo(data: bytes, motion: bool, pool: Pool, tmp_path: Path) -> None:
    """Decoded as without the video, in facts that are read alone, too."""
    picture = opening.open_picture(data, LIMITS)
    assert facts.of(picture, data).motion == motion
    assert psnr(tiles_of(data)[0], tiles_of(jpeg(scene()))[0]) > 28
    path = write(tmp_path / "a.jpg", data)
    assert pool.decode(path, SHAPE).result(SOON).facts.motion == motion
    assert pool.facts(path).result(SOON).facts.motion == motion


def test_a_long_file_is_told_by_its_end(pool: Pool, tmp_path: Path) -> None:
    """Facts of a JPEG are read from its first MiB."""
    video = VIDEO + bytes(2 * HEAD_BYTES)
    trailer = samsung()[len(VIDEO) :]
    path = write(tmp_path / "a.jpg", jpeg(scene()) + video + trailer)
    assert pool.facts(path).result(SOON).facts.motion


def test_broken_lists_are_no_error() -> None:
    """Cut anywhere, and with any byte changed."""
    data = (bytes(100) + samsung())[-END_BYTES:]
    for length in range(len(data) - 60, len(data)):
        video_follows(data[:length] + b"SEFT")
    for place in range(len(data) - 60, len(data)):
        video_follows(data[:place] + b"\xff" + data[place + 1 :])


def test_a_real_one(photos: Path) -> None:
    data = (photos / "phones" / "samsung-one-ui-6.heic").read_bytes()
    assert facts.of(opening.open_picture(data, LIMITS), data).motion
    other = (photos / "phones" / "aux_YCbCr.heic").read_bytes()
    assert not facts.of(opening.open_picture(other, LIMITS), other).motion
