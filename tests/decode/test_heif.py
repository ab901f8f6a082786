"""HEIF and AVIF as phones, cameras and editors write them: cropped, turned, mirrored, derived."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, UnidentifiedImageError

from photosd.decode import boxes, damage, heif_tiles, opening, pixels, previews
from photosd.decode.decode_errors import DecodeFailed
from photosd.decode.limits import DecodeLimits
from tests.decode.heif_boxes import Item, box, clap, imir, irot, put_together, taken_apart
from tests.decode.pictures import LIMITS, SHAPE, encoded, psnr, scene, square, tiles_of
from tests.decode.test_previews import heic, view

SIZE = (640, 480)
LEFT, RIGHT = Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_270
ACROSS, DOWN = Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.FLIP_TOP_BOTTOM
CROP = clap(400, 300, 200, 40, SIZE)
CROPPED = (200, 40, 600, 340)


def alike(data: bytes, wanted: Image.Image) -> None:
    """Whole, tile by tile and by its preview, as far as there are such, it is ``wanted``."""
    picture = opening.open_picture(data, LIMITS)
    assert picture.size == wanted.size
    seen = np.asarray(square(wanted, SHAPE))
    assert psnr(tiles_of(data)[0], seen) > 40
    size = pixels.wanted_size(picture, SHAPE)
    for found in (
        heif_tiles.tile_by_tile(data, opening.open_picture(data, LIMITS), size),
        previews.find(data, opening.open_picture(data, LIMITS), size, LIMITS),
    ):
        assert found is None or psnr(view(found), seen.ravel()) > 40


def with_properties(data: bytes, properties: list[bytes]) -> bytes:
    """A file whose picture and thumbnails have these, too; thumbnails are not cropped."""
    main, items = taken_apart(data)
    thumbnails = [one for one, item in items.items() if item.references[:1] == [(b"thmb", [main])]]
    turns = [one for one in properties if one != CROP]
    for number in (main, *thumbnails):
        more = properties if number == main else turns
        items[number] = items[number]._replace(properties=items[number].properties + more)
    return put_together(main, items)


@pytest.mark.parametrize("tile", [0, 256])
@pytest.mark.parametrize(
    ("properties", "turns"),
    [
        ([irot(1)], [LEFT]),
        ([irot(1), imir(0)], [LEFT, DOWN]),
        ([imir(0), irot(1)], [DOWN, LEFT]),
        ([irot(3), imir(1)], [RIGHT, ACROSS]),
        ([imir(1), irot(3)], [ACROSS, RIGHT]),
        ([imir(1), irot(2), imir(0)], [ACROSS, Image.Transpose.ROTATE_180, DOWN]),
        ([CROP], []),
        ([CROP, irot(1), imir(1)], [LEFT, ACROSS]),
    ],
)
def test_the_order_of_turns_counts(
    properties: list[bytes], turns: list[Image.Transpose], tile: int
) -> None:
    """Mirrored pictures in tiles were shown as if they were not mirrored."""
    data = with_properties(heic(scene(*SIZE), 160, tile_size=tile), properties)
    wanted = scene(*SIZE).crop(CROPPED) if CROP in properties else scene(*SIZE)
    for turn in turns:
        wanted = wanted.transpose(turn)
    alike(data, wanted)
    picture = opening.open_picture(data, LIMITS)
    size = pixels.wanted_size(picture, SHAPE)
    by_tiles = heif_tiles.tile_by_tile(data, picture, size)
    preview = previews.find(data, opening.open_picture(data, LIMITS), size, LIMITS)
    cropped = CROP in properties  # then the thumbnail shows more
    assert (by_tiles is not None, preview is not None) == (bool(tile) and not cropped, not cropped)


@pytest.mark.parametrize("tile", [0, 256])
def test_a_picture_that_only_turns_another(tile: int) -> None:
    """``iden``: an edited version of a picture stored once; its thumbnails are the other's."""
    main, items = taken_apart(heic(scene(*SIZE), 160, tile_size=tile))
    size = [one for one in items[main].properties if one[4:8] == b"ispe"]
    items[main] = items[main]._replace(hidden=True)
    items[50] = Item(b"iden", b"", [*size, irot(1)], [(b"dimg", [main])])
    alike(put_together(50, items), scene(*SIZE).transpose(LEFT))


@pytest.mark.parametrize("tile", [0, 256])
@pytest.mark.parametrize("main", range(3))
def test_of_a_burst_the_main_picture_is_shown(main: int, tile: int) -> None:
    """With its own thumbnail and its own tiles."""
    burst = [scene(*SIZE), scene(*SIZE).rotate(180), scene(*SIZE).transpose(ACROSS)]
    opening.know_heif()
    buffer = io.BytesIO()
    burst[0].save(
        buffer, "HEIF", save_all=True, append_images=burst[1:], quality=90, primary_index=main,
        thumbnails=[160], tile_size=tile, enc_params={"preset": "ultrafast"},
    )  # fmt: skip
    data = buffer.getvalue()
    alike(data, burst[main])
    picture = opening.open_picture(data, LIMITS)
    found = heif_tiles.tile_by_tile(data, picture, pixels.wanted_size(picture, SHAPE))
    assert (found is not None) == bool(tile)


def test_of_a_sequence_the_first_picture_is_shown() -> None:
    """AVIF; the same of HEIF has a still picture beside it, or is refused in words."""
    others = [scene(*SIZE).rotate(180)] * 2
    data = encoded(scene(*SIZE), "AVIF", save_all=True, append_images=others, quality=90)
    assert data[8:12] == b"avis"
    alike(data, scene(*SIZE))
    moov = box(b"ftyp", b"hevc", bytes(4), b"msf1") + box(b"moov", box(b"mvhd", bytes(100)))
    with pytest.raises(UnidentifiedImageError) as caught:
        opening.open_picture(moov, LIMITS)
    failed = damage.explain(caught.value, moov)
    assert failed.code == "unsupported" and "without a still picture" in failed.reason


def avif(properties: list[bytes], of_thumbnail: list[bytes] | None) -> bytes:
    """AVIF with a thumbnail, which Pillow does not write; None: without one."""
    main, items = taken_apart(encoded(scene(*SIZE), "AVIF", quality=90, subsampling="4:4:4"))
    items[main] = items[main]._replace(properties=items[main].properties + properties)
    if of_thumbnail is not None:
        small = encoded(scene(*SIZE).resize((160, 120)), "AVIF", quality=90, subsampling="4:4:4")
        number, (one, *_) = 60, taken_apart(small)[1].values()
        items[number] = one._replace(
            properties=one.properties + of_thumbnail, references=[(b"thmb", [main])], hidden=True
        )
    return put_together(main, items, b"avif")


@pytest.mark.parametrize(
    ("properties", "of_thumbnail", "found"),
    [
        ([], [], True),
        ([irot(1)], [irot(1)], True),
        ([imir(1)], [imir(1)], True),
        ([irot(1)], [], False),
        ([CROP], [], False),
        ([CROP], [CROP], False),
        ([], None, False),
    ],
)
def test_a_thumbnail_in_avif(
    properties: list[bytes], of_thumbnail: list[bytes] | None, found: bool
) -> None:
    """If it is turned like the picture, and the picture is not cropped."""
    data = avif(properties, of_thumbnail)
    picture = opening.open_picture(data, LIMITS)
    size = pixels.wanted_size(picture, SHAPE)
    assert (previews.find(data, picture, size, LIMITS) is not None) == found
    if not properties or properties == [CROP]:
        alike(data, scene(*SIZE).crop(CROPPED) if properties else scene(*SIZE))


def test_a_cropped_avif_costs_as_much_as_the_whole() -> None:
    """A crop of a few pixels is no way around the limits."""
    small = avif([clap(8, 8, 0, 0, SIZE)], None)
    assert opening.open_picture(small, LIMITS, check=False).size == (8, 8)
    with pytest.raises(DecodeFailed) as caught:
        opening.open_picture(small, DecodeLimits(memory=1 << 20), check=False)
    assert caught.value.code == "too_large"


@pytest.mark.parametrize(
    "numbers",
    [
        (0, 1, 300, 1, 0, 1, 0, 1), (700, 1, 300, 1, 0, 1, 0, 1), (400, 0, 300, 1, 0, 1, 0, 1),
        (400, 1, 300, 1, 900, 1, 0, 1), (400, 1, 300, 1, 0, 1, -300, 1),
    ],
)  # fmt: skip
def test_impossible_crops_are_ignored(numbers: tuple[int, ...]) -> None:
    """Outside of the picture, or of no size."""
    data = avif([box(b"clap", struct.pack(">IIIIiIiI", *numbers))], None)
    assert boxes.crop_of(data, SIZE) is None
    assert boxes.crop_of(data[:60], SIZE) is None


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
@pytest.mark.parametrize("kind", ["tiles", "one piece", "avif"])
def test_a_file_that_is_cut_off_is_no_photo(kind: str, share: float) -> None:
    """Missing tiles were shown in black, and the file was indexed like that."""
    noise = np.random.default_rng(1).integers(0, 255, (480, 640, 3), np.uint8)
    picture = Image.fromarray(noise)
    data = (
        encoded(picture, "AVIF")
        if kind == "avif"
        else heic(picture, 160, tile_size=256 if kind == "tiles" else 0)
    )
    assert not boxes.ends_early(data)
    cut = data[: int(len(data) * share)]
    with pytest.raises(OSError, match="truncated") as caught:
        opening.open_picture(cut, LIMITS, check=False)
    assert damage.explain(caught.value, cut).code == "truncated"


def test_only_the_picture_must_be_whole(photos: Path) -> None:
    """Not the video after it; nor can broken boxes cause an error."""
    data = (photos / "phones" / "samsung-one-ui-6.heic").read_bytes()
    assert not boxes.ends_early(data[: len(data) // 2])
    assert boxes.ends_early((photos / "phones" / "IMG_2682.heic").read_bytes()[:-200_000])
    small = heic(scene(*SIZE), tile_size=256)
    for place in range(40, 700):
        boxes.ends_early(small[:place])
        boxes.ends_early(small[:place] + b"\xff\xff" + small[place + 2 :])
