"""Camera raw files are seen through the preview that they carry."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from photosd.decode import facts, opening, pixels, raw
from photosd.decode.decode_errors import DecodeFailed
from tests.decode.pictures import LIMITS, SHAPE, jpeg, oriented, psnr, scene, square

SENSOR = bytes(np.random.default_rng(5).integers(0, 256, 100_000, dtype=np.uint8))


def raw_file(*parts: bytes, orientation: int = 1, magic: bytes = b"II*\0") -> bytes:
    """A little TIFF like cameras write: maker and orientation, then previews and sensor data."""
    entries = [(0x010F, 2, 8, 100), (0x0112, 3, 1, orientation)]
    directory = struct.pack("<H", len(entries))
    directory += b"".join(struct.pack("<HHII", *entry) for entry in entries) + b"\0\0\0\0"
    head = (magic + struct.pack("<I", 8) + directory).ljust(100, b"\0") + b"Camera1\0"
    return head + b"".join(part + SENSOR for part in parts)


def view(picture: opening.OpenedPicture) -> Image.Image:
    """The first square of a raw file's picture."""
    return Image.frombytes("RGB", (64, 64), pixels.squares(picture, SHAPE)[0])


def likeness(picture: opening.OpenedPicture) -> float:
    """How much it looks like the scene, in decibels."""
    wanted = np.asarray(square(scene(700, 500), SHAPE))
    return psnr(np.asarray(view(picture)), wanted)


@pytest.mark.parametrize("magic", [b"II*\0", b"IIU\0", b"IIRO"])
def test_the_largest_preview_is_the_photo(magic: bytes) -> None:
    """The largest preview is read, not the thumbnail before it or sensor data, for every camera."""
    data = raw_file(jpeg(scene(160, 120)), jpeg(scene(700, 500)), jpeg(scene(90, 90)), magic=magic)
    picture = raw.open_raw(data, LIMITS)
    assert picture.size == (700, 500) and picture.format == "RAW"
    assert likeness(picture) > 40
    assert facts.of(picture).camera == "Camera1"


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_the_camera_files_orientation_turns_its_preview(orientation: int) -> None:
    """Previews are stored as the sensor saw them."""
    stored, _ = oriented(scene(700, 500), orientation)
    picture = raw.open_raw(raw_file(jpeg(stored), orientation=orientation), LIMITS)
    assert likeness(picture) > 40


def test_a_preview_with_its_own_orientation_is_turned_once() -> None:
    """What the preview says about itself comes before what its container says."""
    stored, exif = oriented(scene(700, 500), 6)
    picture = raw.open_raw(raw_file(jpeg(stored, exif=exif), orientation=6), LIMITS)
    assert likeness(picture) > 40


def test_lossless_sensor_data_is_not_a_preview() -> None:
    """Canon and DNG store the sensor data as a kind of JPEG that no viewer shows."""
    tables, frame = b"\xff\xd8\xff\xc4\0\3\0", struct.pack(">HBHHB", 17, 8, 3000, 4000, 3)
    scan = b"\xff\xda\0\x0c\3\1\0\2\0\3\0\1\0\0"
    lossless = tables + b"\xff\xc3" + frame + b"\1\x11\0" * 3 + scan
    picture = raw.open_raw(raw_file(jpeg(scene(700, 500)), lossless), LIMITS)
    assert picture.size == (700, 500)


def test_without_a_preview_the_remedy_is_the_raw_reader() -> None:
    """Said plainly, with the command."""
    with pytest.raises(DecodeFailed, match="no preview") as failed:
        raw.open_raw(raw_file(b""), LIMITS)
    assert 'pip install "rawpy>=' in failed.value.remedy


@pytest.mark.parametrize(
    "data", [b"", b"II", b"II*\0", b"\xff\xd8\xff\xe0" * 500, b"\0\0\0\x18ftypcrx CMT1"]
)
def test_damaged_raw_files_fail_with_a_reason(data: bytes) -> None:
    """However little of them is left."""
    with pytest.raises(DecodeFailed):
        raw.open_raw(data, LIMITS)


def test_a_real_dng_gives_its_preview_and_its_facts(photos: Path) -> None:
    """Its previews are 256 and 1024 pixels wide, between tiles of sensor data."""
    data = (photos / "zoo" / "photoprism__assets_examples_canon_eos_6d.dng").read_bytes()
    picture = raw.open_raw(data, LIMITS)
    assert picture.size == (1024, 683)
    view(picture)
    assert facts.of(picture).camera == "Canon EOS 6D"
