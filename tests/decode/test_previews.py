"""Vectors come from the preview in a file where that shows the same picture, large enough."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pillow_heif
import psutil
import pytest
from PIL import ExifTags, Image, ImageOps
from PIL.TiffImagePlugin import AppendingTiffWriter

from photosd.decode import heif_tiles, opening, pixels, previews
from photosd.decode.boxes import boxes
from photosd.decode.decode_errors import DecodeFailed
from photosd.decode.messages import Shape
from photosd.decode.opening import OpenedPicture, know_heif
from photosd.decode.pool import Pool
from tests.decode.pictures import LIMITS, Array, encoded, jpeg, oriented, psnr, scene, write
from tests.decode.waiting import SOON, Make

SHAPE = Shape(64)
WIDE, HIGH = 640, 480
REDUCED = 1  # NewSubfileType
FAST = {"preset": "ultrafast"}


def heic(image: Image.Image, *thumbnails: int, **options: object) -> bytes:
    """``image`` as HEIC with thumbnails of these longer sides."""
    know_heif()
    options = {"quality": 90, "enc_params": FAST, **options}
    return encoded(image, "HEIF", thumbnails=list(thumbnails), **options)


def found(data: bytes, shape: Shape = SHAPE) -> OpenedPicture | None:
    """The preview that would be decoded for a model."""
    picture = opening.open_picture(data, LIMITS)
    return previews.find(data, picture, pixels.wanted_size(picture, shape), LIMITS)


def view(picture: OpenedPicture | None, shape: Shape = SHAPE) -> Array:
    """What a model sees of it."""
    assert picture is not None
    return np.frombuffer(b"".join(pixels.squares(picture, shape)), np.uint8)


def likeness(data: bytes, shape: Shape = SHAPE) -> float:
    """Preview and full picture compared, in decibels."""
    return psnr(view(found(data, shape), shape), view(opening.open_picture(data, LIMITS), shape))


@pytest.mark.parametrize("tile", [0, 256])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_thumbnail_of_heic_in_each_orientation(orientation: int, tile: int) -> None:
    """Turned like the picture, stored as a whole and in tiles."""
    stored, exif = oriented(scene(WIDE, HIGH), orientation)
    data = heic(stored, 160, exif=exif, tile_size=tile)
    picture = found(data)
    assert picture is not None and max(picture.image.size) == 160
    assert sorted(picture.size) == [HIGH, WIDE]
    assert likeness(data) > 30


def test_a_wide_picture_gives_tiles_of_its_preview() -> None:
    """The squares are at the same places."""
    data = heic(scene(960, 480), 320)
    assert found(data) is not None and likeness(data) > 30


@pytest.mark.parametrize(("longer", "enough"), [(76, False), (80, True)])
def test_nine_tenths_of_the_pixels_are_enough(longer: int, enough: bool) -> None:
    """A model of 64 pixels looks at 85 x 64 of 4:3."""
    data = heic(scene(WIDE, HIGH), longer)
    assert (found(data) is not None) == enough


def test_the_smallest_sharp_one_is_taken() -> None:
    """A thumbnail of thrice the model's pixels before one that is hardly enough."""
    picture = found(heic(scene(1280, 960), 90, 260, 640))
    assert picture is not None and max(picture.image.size) == 260


def test_thumbnails_are_shown_from_previews_that_are_as_large() -> None:
    """No pixel is made up: one of nine tenths would do for a model only."""
    data = heic(scene(WIDE, HIGH), 160)
    picture = opening.open_picture(data, LIMITS)
    assert previews.find(data, picture, (160, 120), LIMITS, 1.0) is not None
    assert previews.find(data, picture, (164, 123), LIMITS, 1.0) is None


def with_the_thumbnail_of_another(first: Image.Image, second: Image.Image, tile: int) -> bytes:
    """HEIC of ``first`` with a thumbnail that a program has left of ``second``."""
    know_heif()
    buffer = io.BytesIO()
    options = {"quality": 90, "thumbnails": [160], "tile_size": tile, "enc_params": FAST}
    first.save(buffer, "HEIF", save_all=True, append_images=[second], **options)
    data = buffer.getvalue()
    meta = next(box for box in boxes(data, 0, len(data)) if box.kind == b"meta")
    inside = {box.kind: box for box in boxes(data, meta.start + 4, meta.end)}
    refs = [
        box for box in boxes(data, inside[b"iref"].start + 4, inside[b"iref"].end)
        if box.kind == b"thmb"
    ]  # fmt: skip
    changed = bytearray(data)
    (one, other) = (slice(box.end - 2, box.end) for box in refs)
    changed[one], changed[other] = data[other], data[one]
    return bytes(changed)


@pytest.mark.parametrize("change", ["none", "turned", "black", "grey", "letterbox", "colours"])
def test_a_thumbnail_of_another_picture_is_noticed(change: str) -> None:
    """By one tile of the picture, as all cameras store HEIC; an edited version is another, too."""
    first = scene(WIDE, HIGH)
    r, g, b = first.split()
    second = {
        "none": first,
        "turned": first.transpose(Image.Transpose.ROTATE_180),
        "black": Image.new("RGB", first.size),
        "grey": first.convert("L").convert("RGB"),
        "letterbox": ImageOps.pad(first.resize((WIDE, HIGH * 3 // 4)), first.size),
        "colours": Image.merge("RGB", (b, r, g)),
    }[change]
    data = with_the_thumbnail_of_another(first, second, 256)
    assert (found(data) is not None) == (change == "none")


def mpo(image: Image.Image, preview: Image.Image, kind: int = 0x010002, **options: object) -> bytes:
    """A camera's JPEG with a preview after it, listed by its index as this kind."""
    data = bytearray(
        encoded(image, "MPO", save_all=True, append_images=[preview], quality=90, **options)
    )
    index = data.index(b"MPF\0") + 4
    entries = data.index(struct.pack("<HHL", 0xB002, 7, 32), index)
    (offset,) = struct.unpack_from("<L", data, entries + 8)
    struct.pack_into("<L", data, index + offset + 16, kind)
    return bytes(data)


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_cameras_preview_in_a_jpeg(orientation: int) -> None:
    """It is stored like the picture, often without its orientation."""
    stored, exif = oriented(scene(WIDE, HIGH), orientation)
    data = mpo(stored, stored.resize((stored.width // 2, stored.height // 2)), exif=exif)
    picture = found(data)
    assert picture is not None and likeness(data) > 30


@pytest.mark.parametrize("fault", ["kind", "aspect", "length", "broken", "turned"])
def test_other_pictures_in_a_jpeg_are_no_previews(fault: str) -> None:
    """Gain maps, views of a stereo camera; and what an editor has left."""
    full = scene(WIDE, HIGH)
    small = full.resize((330 if fault == "aspect" else 320, 240))
    data = mpo(full, small, 0x020002 if fault == "kind" else 0x010002)
    if fault == "length":  # the picture was edited, and the index copied
        data = data[:2] + b"\xff\xfe\0\x04ab" + data[2:]
    if fault == "broken":
        data = data[:-3000] + bytes(3000)
    if fault == "turned":
        _, exif = oriented(small, 3)
        turned = jpeg(small, exif=exif)
        data = data[: len(data) - len(data[data.rindex(b"\xff\xd8\xff") :])] + turned
    assert found(data) is None
    assert len(view(opening.open_picture(data, LIMITS))) == 64 * 64 * 3


def tiff(image: Image.Image, *levels: Image.Image, reduced: int = REDUCED) -> bytes:
    """A TIFF with reduced pages."""
    buffer = io.BytesIO()
    with AppendingTiffWriter(buffer, True) as out:
        image.save(out, "TIFF")
        for level in levels:
            out.newFrame()
            level.save(out, "TIFF", tiffinfo={ExifTags.Base.NewSubfileType: reduced})
    return buffer.getvalue()


def test_a_level_of_a_pyramid_in_a_tiff() -> None:
    """The smallest that is large enough."""
    full = scene(WIDE, HIGH)
    data = tiff(full, full.resize((320, 240)), full.resize((160, 120)), full.resize((40, 30)))
    picture = found(data)
    assert picture is not None and picture.image.size == (160, 120)
    assert likeness(data) > 30


def test_the_pages_of_a_scan_are_no_previews() -> None:
    """Nor is what comes after many of them."""
    full = scene(WIDE, HIGH)
    assert found(tiff(full, full.resize((320, 240)), reduced=0)) is None
    grey = full.convert("L")
    assert found(tiff(grey, grey.resize((320, 240)), reduced=REDUCED | 4)) is None  # a mask
    many = [full.resize((40, 30))] * previews.MAX_PAGES
    assert found(tiff(full, *many, full.resize((320, 240)))) is None


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "HEIF", "TIFF"])
def test_files_without_a_preview(kind: str) -> None:
    """The full picture is decoded."""
    know_heif()
    assert found(encoded(scene(WIDE, HIGH), kind)) is None


def test_a_pool_says_what_it_decoded(pool: Pool, tmp_path: Path) -> None:
    """A preview unless it is not permitted, here or by the setting."""
    path = write(tmp_path / "a.heic", heic(scene(WIDE, HIGH), 160))
    sharp = write(tmp_path / "b.heic", heic(scene(WIDE, HIGH)))
    assert pool.decode(path, SHAPE).result(SOON).source == "preview"
    assert pool.decode(path, SHAPE, full=True).result(SOON).source == "full"
    assert pool.decode(sharp, SHAPE).result(SOON).source == "full"
    facts = pool.decode(path, SHAPE).result(SOON).facts
    assert (facts.width, facts.height) == (WIDE, HIGH)
    pool.previews = False
    try:
        assert pool.decode(path, SHAPE).result(SOON).source == "full"
    finally:
        pool.previews = True


def test_a_picture_too_large_is_indexed_by_its_preview(tmp_path: Path, make: Make) -> None:
    """As those of 200 megapixels on a small machine; without one it is refused."""
    pool = make(max_megapixels=1)
    large = scene(1280, 960)
    path = write(tmp_path / "a.heic", heic(large, 160))
    assert pool.decode(path, SHAPE).result(SOON).source == "preview"
    bare = write(tmp_path / "b.heic", heic(large))
    for error in (
        pool.decode(path, SHAPE, full=True).exception(SOON),
        pool.decode(bare, SHAPE).exception(SOON),
    ):
        assert isinstance(error, DecodeFailed) and error.code == "too_large"


def test_pillow_heif_reads_thumbnails() -> None:
    """Older ones do not."""
    assert tuple(map(int, pillow_heif.__version__.split(".")[:2])) >= (1, 8)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_tile_by_tile_gives_the_same_picture(orientation: int) -> None:
    """Upright, with the part of the last tiles that is outside of the picture left out."""
    stored, exif = oriented(scene(1000, 700), orientation)
    data = heic(stored, exif=exif, tile_size=256)
    picture = opening.open_picture(data, LIMITS)
    whole = heif_tiles.tile_by_tile(data, picture, pixels.wanted_size(picture, SHAPE))
    assert whole is not None and max(whole.image.size) == 500
    assert psnr(view(whole), view(opening.open_picture(data, LIMITS))) > 45


@pytest.mark.parametrize("tile", [0, 255])
def test_what_is_not_in_tiles_is_decoded_as_a_whole(tile: int) -> None:
    """Also if the tiles cannot be halved, or are damaged."""
    data = heic(scene(1000, 700), tile_size=tile)
    picture = opening.open_picture(data, LIMITS)
    assert heif_tiles.tile_by_tile(data, picture, (91, 64)) is None
    whole = heic(scene(1000, 700), tile_size=256)
    assert (
        heif_tiles.tile_by_tile(whole[:-4000], opening.open_picture(whole, LIMITS), (91, 64))
        is None
    )


def test_two_hundred_megapixels_in_little_memory(photos: Path, make: Make) -> None:
    """The full picture of a phone's largest file, where not even a quarter of it would fit."""
    pool = make(memory=256 << 20)
    path = bytes(photos / "phones" / "200MP.heic")
    preview = pool.decode(path, SHAPE, urgent=True).result(SOON)
    full = pool.decode(path, SHAPE, urgent=True, full=True).result(100)
    assert (preview.source, full.source) == ("preview", "full")
    assert psnr(full.pixels, preview.pixels) > 25
    (pid,) = pool.pids
    assert psutil.Process(pid).memory_info().rss < 200 << 20


def test_jpeg_2000_is_reduced_while_it_is_decoded() -> None:
    """As far as it was decomposed when it was written."""
    data = encoded(scene(1600, 1200), "JPEG2000", num_resolutions=3)
    picture = opening.open_picture(data, LIMITS)
    seen = view(picture)
    assert picture.image.size == (400, 300)
    plain = opening.open_picture(encoded(scene(1600, 1200), "PNG"), LIMITS)
    assert psnr(seen, view(plain)) > 34
