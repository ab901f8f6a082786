"""What the model sees of a file is what a plain, slow, full decode would show it."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageCms

from photosd.decode import opening, pixels
from tests.decode.pictures import (
    LIMITS,
    SHAPE,
    Array,
    encoded,
    jpeg,
    oriented,
    psnr,
    scene,
    square,
    tiles_of,
)


def expected(image: Image.Image) -> Array:
    """The one square of an upright RGB picture."""
    return np.asarray(square(image, SHAPE))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("size", [(97, 80), (80, 97), (301, 200)])
def test_every_orientation_shows_the_same_upright_photo(
    orientation: int, size: tuple[int, int]
) -> None:
    """Eight ways to store one scene, one picture; a crop that is off by a pixel fails."""
    stored, exif = oriented(scene(*size), orientation)
    tiles = tiles_of(encoded(stored, "PNG", exif=exif))
    assert psnr(tiles[0], expected(scene(*size))) > 53


@pytest.mark.parametrize("kind", ["JPEG", "TIFF", "WEBP", "AVIF", "HEIF"])
def test_orientation_holds_in_every_format_that_has_it(kind: str) -> None:
    """TIFF, AVIF and HEIF are turned by their libraries, or not: it must end upright once."""
    pillow_heif.register_heif_opener()
    stored, exif = oriented(scene(), 6)
    options: dict[str, object] = {} if kind == "TIFF" else {"quality": 95}
    tiles = tiles_of(encoded(stored, kind, exif=exif.tobytes(), **options))
    assert psnr(tiles[0], expected(scene())) > 38


def test_a_turned_panorama_gives_the_same_tiles() -> None:
    """Tiles are counted along the upright picture."""
    straight = tiles_of(encoded(scene(300, 80), "PNG"))
    stored, exif = oriented(scene(300, 80), 8)
    turned = tiles_of(encoded(stored, "PNG", exif=exif))
    assert len(straight) == 3 and psnr(straight, turned) > 53
    reds = straight[..., 0].mean(axis=(1, 2))
    assert reds[0] < reds[1] < reds[2]  # from left to right


def test_a_large_jpeg_is_shrunk_while_decoding_and_looks_the_same() -> None:
    """The shortcut for large photos costs less than what 8-bit rounding of the model costs."""
    rng = np.random.default_rng(1)
    grain = np.asarray(scene(1600, 1200)).astype(np.int16) + rng.normal(0, 8, (1200, 1600, 3))
    photo = Image.fromarray(grain.clip(0, 255).astype(np.uint8))
    data = jpeg(photo, quality=92)
    picture = opening.open_picture(data, LIMITS)
    tile = pixels.squares(picture, SHAPE)[0]
    assert picture.image.width < 1600 / 2
    full = expected(Image.open(io.BytesIO(data)))
    assert psnr(np.frombuffer(tile, np.uint8).reshape(64, 64, 3), full) > 50


def test_sixteen_bit_grey_is_not_burnt_out() -> None:
    """Values above 255 are shifted, not cut off."""
    ramp = np.tile(np.linspace(0, 65535, 90).astype(np.uint16), (80, 1))
    data = encoded(Image.fromarray(ramp), "PNG")
    tile = tiles_of(data)[0]
    assert tile[:, 0].max() < 60 and tile[:, -1].min() > 200
    assert 110 < tile.mean() < 145


def test_big_endian_sixteen_bit_tiff_is_read_right() -> None:
    """Pillow resizes its I;16B mode to noise."""
    ramp = np.tile(np.linspace(0, 65535, 90).astype(">u2"), (80, 1))
    stored = Image.frombytes("I;16B", (90, 80), ramp.tobytes())
    tile = tiles_of(encoded(stored, "TIFF"))[0]
    assert np.all(np.diff(tile[32, :, 0].astype(int)) >= 0)


def test_float_pictures_keep_their_range() -> None:
    """0 to 1 and 0 to 255 both span black to white."""
    ramp = np.tile(np.linspace(0, 1, 90, dtype=np.float32), (80, 1))
    for scale in (1, 255):
        tile = tiles_of(encoded(Image.fromarray(ramp * scale), "TIFF"))[0]
        assert tile[:, 0].max() < 60 and tile[:, -1].min() > 200


def test_what_is_transparent_looks_white() -> None:
    """As in every viewer; the colour hidden beneath neither shows nor bleeds."""
    hidden = Image.new("RGBA", (90, 90), (255, 0, 0, 0))
    hidden.paste((0, 0, 255, 255), (45, 0, 90, 90))
    tile = tiles_of(encoded(hidden, "PNG"))[0]
    assert tile[:, :30].min() == 255
    assert tuple(tile[32, 60]) == (0, 0, 255)
    assert (
        tile[..., 0].astype(int).min() == 0
        and (abs(tile[:, 30:34, 1].astype(int) - tile[:, 30:34, 0]) <= 1).all()
    )


@pytest.mark.parametrize("mode", ["P", "LA", "L", "1", "PA", "CMYK", "LAB", "YCbCr"])
def test_every_mode_becomes_rgb_that_looks_right(mode: str) -> None:
    """Compared with the same picture in grey or colour, roughly: palettes are coarse."""
    kind = {"CMYK": "JPEG", "YCbCr": "JPEG", "LAB": "TIFF", "PA": "TIFF"}.get(mode, "PNG")
    if mode == "LAB":
        profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
        stored = ImageCms.profileToProfile(scene(), *profiles, outputMode="LAB")
        assert stored is not None
    elif mode == "PA":
        stored = scene().quantize(64).convert("PA")
    else:
        stored = scene().quantize(64) if mode == "P" else scene().convert(mode)
    if mode == "PA":
        data = encoded(scene().convert("RGBA").quantize(64), "PNG")
    else:
        data = encoded(stored, kind)
    grey = mode in ("LA", "L", "1")
    wanted = expected(scene().convert("L").convert("RGB") if grey else scene())
    assert psnr(tiles_of(data)[0], wanted) > (9 if mode == "1" else 26)


def test_a_wide_colour_profile_becomes_srgb() -> None:
    """The same numbers mean redder reds in a wider space."""
    wide = _profile(gamma=2.2, red=(0.735, 0.265))
    plain = Image.new("RGB", (80, 80), (200, 60, 60))
    tile = tiles_of(encoded(plain, "PNG", icc_profile=wide))[0]
    assert tile[0, 0, 0] > 210
    assert tuple(tiles_of(encoded(plain, "PNG"))[0][0, 0]) == (200, 60, 60)


@pytest.mark.parametrize("profile", [b"", b"nonsense", b"\0" * 4096])
def test_a_broken_profile_costs_nothing_but_itself(profile: bytes) -> None:
    """The colours stay as they are."""
    tile = tiles_of(encoded(scene(), "PNG", icc_profile=profile))[0]
    assert psnr(tile, expected(scene())) > 60


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_the_first_frame_of_an_animation_is_the_photo(kind: str) -> None:
    """Later frames are another picture."""
    later = Image.new("RGB", (96, 80), (9, 9, 9))
    options: dict[str, object] = {"save_all": True, "append_images": [later, later]}
    tile = tiles_of(encoded(scene(), kind, **options))[0]
    assert psnr(tile, expected(scene())) > 24


def test_an_mpo_shows_its_first_picture() -> None:
    """Phones and 3D cameras write several JPEGs into one file."""
    later = Image.new("RGB", (96, 80), (9, 9, 9))
    data = encoded(scene(), "MPO", save_all=True, append_images=[later], quality=95)
    assert psnr(tiles_of(data)[0], expected(scene())) > 34


def test_heif_and_jpeg_2000_and_bmp_and_pnm_decode() -> None:
    """The rest of the formats, whatever the suffix says."""
    pillow_heif.register_heif_opener()
    for kind, least in (("HEIF", 34), ("JPEG2000", 34), ("BMP", 60), ("PPM", 60)):
        assert psnr(tiles_of(encoded(scene(), kind))[0], expected(scene())) > least


def test_the_smallest_picture_is_still_a_picture() -> None:
    """1 x 1 and 1 x 300 are enlarged, not refused."""
    assert tiles_of(encoded(Image.new("RGB", (1, 1), (7, 8, 9)), "PNG")).shape == (1, 64, 64, 3)
    assert tiles_of(encoded(Image.new("RGB", (1, 300)), "PNG")).shape == (3, 64, 64, 3)


def test_a_thumbnail_is_upright_small_and_bare() -> None:
    """No metadata leaves with it, and it is never enlarged."""
    stored, exif = oriented(scene(300, 200), 6)
    exif[0x010F] = "Secret Camera"
    small, size = pixels.thumbnail(
        opening.open_picture(jpeg(stored, exif=exif), LIMITS), (100, 100)
    )
    image = Image.open(io.BytesIO(small))
    assert image.size == size == (100, 67) and not image.getexif() and image.format == "JPEG"
    assert image.getpixel((5, 33))[0] < image.getpixel((95, 33))[0]  # type: ignore[index]
    picture = opening.open_picture(jpeg(scene(50, 40)), LIMITS)
    assert pixels.thumbnail(picture, (100, 100))[1] == (50, 40)


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_thumbnail_fits_the_box_upright(orientation: int) -> None:
    """This holds also for a photo that is stored rotated, with more width than height."""
    stored, exif = oriented(scene(300, 200), orientation)
    for within, size in (((100, 90), (100, 67)), ((200, 60), (90, 60))):
        picture = opening.open_picture(jpeg(stored, exif=exif), LIMITS)
        data, found = pixels.thumbnail(picture, within, "rgb")
        assert found == size and len(data) == 3 * size[0] * size[1]
        image = Image.frombytes("RGB", size, data)
        assert image.getpixel((5, 33))[0] < image.getpixel((size[0] - 5, 33))[0]  # type: ignore[index]


def _profile(gamma: float, red: tuple[float, float]) -> bytes:
    """An RGB profile with this gamma and red primary, otherwise like sRGB."""
    import struct

    def tag(kind: bytes, body: bytes) -> bytes:
        return kind + b"\0" * 4 + body

    def fixed(*values: float) -> bytes:
        return b"".join(struct.pack(">i", round(value * 65536)) for value in values)

    primaries = np.array([[*red, 1 - sum(red)], [0.3, 0.6, 0.1], [0.15, 0.06, 0.79]]).T
    white = np.array([0.9642, 1.0, 0.8249])
    columns = primaries * np.linalg.solve(primaries, white)
    tags = {b"desc": tag(b"desc", struct.pack(">I", 5) + b"wide\0" + b"\0" * 78)}
    tags |= {
        name: tag(b"XYZ ", fixed(*columns[:, i]))
        for i, name in enumerate((b"rXYZ", b"gXYZ", b"bXYZ"))
    }
    tags[b"wtpt"] = tag(b"XYZ ", fixed(*white))
    curve = tag(b"curv", struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0")
    tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    offset, table, body = 128 + 4 + 12 * len(tags), b"", b""
    for name, content in tags.items():
        table += name + struct.pack(">II", offset + len(body), len(content))
        body += content + b"\0" * (-len(content) % 4)
    header = struct.pack(
        ">I4sI4s4s4s", offset + len(body), b"lcms", 0x02400000, b"mntr", b"RGB ", b"XYZ "
    )
    header += b"\0" * 12 + b"acsp" + b"\0" * 28 + fixed(*white)
    return header.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


@pytest.mark.parametrize("side", [224, 256])
def test_twelve_megapixels_are_quartered_while_decoding(side: int) -> None:
    """For models of 256 pixels, too, where three times as many would be a few too many."""
    data = encoded(Image.new("RGB", (4032, 3024), "teal"), "JPEG")
    picture = opening.open_picture(data, LIMITS)
    picture.load((side * 4 // 3, side))
    assert picture.image.size == (1008, 756)


def _ramp(low: float, high: float, kind: type = np.float32) -> Any:
    return np.tile(np.linspace(low, high, 90), (80, 1)).astype(kind)


@pytest.mark.parametrize(
    ("low", "high", "kind"),
    [
        (0, 1, np.float32),
        (0, 4, np.float32),
        (0, 255, np.float32),
        (0, 60_000, np.float32),
        (-1, 1, np.float32),
        (0, 4095, np.int32),
        (0, 2_000_000_000, np.int32),
        (-30_000, 30_000, np.int16),
        (0, 65_535, np.uint16),
    ],
)
def test_pictures_of_any_depth_show_their_whole_range(low: float, high: float, kind: type) -> None:
    """From black to white, whatever numbers stand for that."""
    ramp = _ramp(low, high, kind)
    grey = tiles_of(_tiff(ramp))[0][..., 0].mean(axis=0)
    # A square of the middle: 80 of 90 columns.
    assert grey[0] == pytest.approx(14, abs=6) and grey[-1] == pytest.approx(241, abs=6)
    assert grey[len(grey) // 2] == pytest.approx(128, abs=6)


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf, 1000.0])
def test_a_few_odd_values_do_not_darken_a_picture_of_floats(odd: float) -> None:
    """Not-a-number, infinity and sparks are a few pixels, and the others stay as they are."""
    values = np.full((80, 90), 0.5, np.float32)
    values[40, 45] = odd
    assert np.median(tiles_of(_tiff(values))[0]) == pytest.approx(128, abs=1)


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0, -5.0])
def test_a_picture_of_one_odd_value_is_no_error(value: float) -> None:
    """There is no range to divide by."""
    assert tiles_of(_tiff(np.full((80, 90), value, np.float32))).shape == (1, 64, 64, 3)


def _tiff(values: Any) -> bytes:
    """A grey TIFF of these values, (h, w), in their own type; Pillow writes no signed 16 bits."""
    if values.dtype != np.int16:
        return encoded(Image.fromarray(values), "TIFF")
    unsigned = encoded(Image.fromarray(values.view(np.uint16)), "TIFF")
    image = Image.open(io.BytesIO(unsigned))
    buffer = io.BytesIO()
    image.save(buffer, "TIFF", tiffinfo={339: 2})  # SampleFormat: signed integers
    return buffer.getvalue()
