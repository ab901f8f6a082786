"""HDR, wide gamut, and depths: every picture looks as a viewer on an ordinary screen shows it."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageCms, UnidentifiedImageError

from photosd.decode import boxes, colour, damage, light, opening, pixels
from photosd.decode.light import HLG, PQ, Nclx
from photosd.decode.limits import DecodeLimits
from tests.decode.pictures import SHAPE, encoded, psnr, scene, square, tiles_of

SRGB, BT709, BT2020, P3 = 13, 1, 9, 12


def linear(image: Image.Image) -> Any:
    """(h, w, 3) linear light of an sRGB picture, 1 for white."""
    coded = np.asarray(image, np.float64) / 255
    return np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)


def pq(nits: Any) -> Any:
    """SMPTE ST 2084, 0 to 1."""
    root = (np.asarray(nits) / 10_000) ** 0.1593017578125
    return ((0.8359375 + 18.8515625 * root) / (1 + 18.6875 * root)) ** 78.84375


def hlg(nits: Any) -> Any:
    """ITU-R BT.2100 on a screen of 1,000 cd/m², for greys."""
    scene_light = (np.asarray(nits) / 1000) ** (1 / 1.2)
    above = 0.17883277 * np.log(np.maximum(12 * scene_light - 0.28466892, 1e-9)) + 0.55991073
    return np.where(scene_light <= 1 / 12, np.sqrt(3 * scene_light), above)


CODE = {PQ: pq, HLG: hlg}


def coded_image(values: Any) -> Image.Image:
    return Image.fromarray((values * 255).round().clip(0, 255).astype(np.uint8))


def avif(image: Image.Image, primaries: int, transfer: int) -> bytes:
    """An AVIF that says that its values have this meaning."""
    data = encoded(image, "AVIF", quality=98, subsampling="4:4:4")
    at = data.index(b"colrnclx") + 8
    return data[:at] + struct.pack(">HH", primaries, transfer) + data[at + 4 :]


def patch(data: bytes) -> Any:
    """The colour of the middle."""
    return tiles_of(data)[0][32, 32].astype(int)


@pytest.mark.parametrize("transfer", [PQ, HLG])
def test_hdr_is_as_light_as_the_same_in_sdr(transfer: int) -> None:
    """Row 2 of the faults: dark and flat. Greys that an SDR version would have are kept."""
    grey = scene().convert("L").point(lambda value: value * 0.7).convert("RGB")  # below the knee
    data = avif(coded_image(CODE[transfer](203 * linear(grey))), BT709, transfer)
    likeness = psnr(tiles_of(data)[0], np.asarray(square(grey, SHAPE)))
    untold = avif(coded_image(CODE[transfer](203 * linear(grey))), BT709, SRGB)
    assert likeness > 45
    assert likeness > 15 + psnr(tiles_of(untold)[0], np.asarray(square(grey, SHAPE)))


@pytest.mark.parametrize("transfer", [PQ, HLG])
def test_highlights_are_told_apart(transfer: int) -> None:
    """The documented curve: white of 203 cd/m² at 225, 1,000 cd/m² at 255."""
    shades = []
    for nits in (50, 100, 203, 400, 700, 1000):
        plain = Image.new("RGB", (64, 64), (round(float(CODE[transfer](nits)) * 255),) * 3)
        shades.append(int(patch(avif(plain, BT709, transfer))[0]))
    assert shades == sorted(set(shades))
    assert shades[0] == pytest.approx(136, abs=6)
    assert shades[2] == pytest.approx(225, abs=5)
    assert shades[-1] >= 253


def test_hues_of_highlights_are_kept() -> None:
    """A red lamp becomes neither pink nor yellow."""
    red = coded_image(pq(np.full((64, 64, 3), (600.0, 30.0, 30.0))))
    r, g, b = patch(avif(red, BT709, PQ))
    assert r > 230 and g < r / 2.5 and abs(g - b) < 8


@pytest.mark.parametrize("primaries", [BT2020, P3])
def test_a_wide_gamut_by_numbers_becomes_srgb(primaries: int) -> None:
    """Without a profile; greys stay grey, and the same numbers mean redder reds."""
    grey = Image.new("RGB", (64, 64), (120, 120, 120))
    assert abs(patch(avif(grey, primaries, SRGB)) - 120).max() <= 3
    red = Image.new("RGB", (64, 64), (180, 80, 80))
    assert patch(avif(red, primaries, SRGB))[0] > 190
    assert abs(patch(avif(red, BT709, SRGB))[0] - 180) <= 3


def test_a_profile_counts_before_numbers() -> None:
    """Both may be there; the numbers may be a leftover."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    red = Image.new("RGB", (64, 64), (180, 80, 80))
    data = encoded(red, "AVIF", quality=98, subsampling="4:4:4", icc_profile=profile)
    picture = opening.open_picture(data, DecodeLimits().resolved())
    picture.nclx = Nclx(P3, SRGB)
    shown = np.frombuffer(pixels.squares(picture, SHAPE)[0], np.uint8)
    assert abs(int(shown[0]) - 180) <= 3


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


def container(main: int, associations: dict[int, list[int]], long: bool = False) -> bytes:
    """A file with three colours: SDR, HDR, none."""
    colours = [box(b"colr", b"nclx" + struct.pack(">HHHB", *one, 6, 128))
               for one in ((BT709, SRGB), (BT2020, PQ))]  # fmt: skip
    ipco = box(b"ipco", b"".join([*colours, box(b"irot", b"\0")]))
    entries = b"".join(
        struct.pack(">HB", item, len(numbers))
        + b"".join(
            struct.pack(">H", 0x8000 | one) if long else bytes([0x80 | one]) for one in numbers
        )
        for item, numbers in associations.items()
    )
    ipma = box(b"ipma", bytes([0, 0, 0, long]) + struct.pack(">I", len(associations)) + entries)
    pitm = box(b"pitm", b"\0\0\0\0" + struct.pack(">H", main))
    meta = box(b"meta", b"\0\0\0\0" + pitm + box(b"iprp", ipco + ipma))
    return box(b"ftyp", b"avif\0\0\0\0") + meta


@pytest.mark.parametrize("long", [False, True])
def test_gain_maps_are_ignored(long: bool) -> None:
    """The colours of what a gain map leads to are not those of the picture."""
    associations = {1: [3, 1], 2: [2], 3: [3]}
    colours = [boxes.nclx_of(container(item, associations, long)) for item in (1, 2, 3, 4)]
    assert colours == [Nclx(BT709, SRGB), Nclx(BT2020, PQ), None, None]


def test_broken_boxes_are_no_error() -> None:
    data = container(1, {1: [3, 1], 2: [2]})
    for length in range(len(data)):
        boxes.nclx_of(data[:length])
    for place in range(len(data)):
        boxes.nclx_of(data[:place] + b"\xff" + data[place + 1 :])


@pytest.mark.parametrize("transfer", range(20))
@pytest.mark.parametrize("primaries", [0, 1, 2, 9, 12, 22, 65535])
def test_every_number_gives_a_picture(primaries: int, transfer: int) -> None:
    """Unknown ones are taken for sRGB; black is black in all of them."""
    ramp = Image.linear_gradient("L").convert("RGB")
    shown = np.asarray(light.to_srgb(ramp, Nclx(primaries, transfer))).astype(int)
    assert shown.shape == (256, 256, 3) and shown[0].max() <= 1
    assert (np.diff(shown[:, 0, 0]) >= 0).all()


def test_hdr_in_heic() -> None:
    """Cameras of Canon and Sony store PQ and HLG in `.hif`."""
    pillow_heif.register_heif_opener()
    grey = Image.new("RGB", (64, 64), (round(float(pq(100)) * 255),) * 3)
    data = encoded(grey, "HEIF", quality=98)
    at = data.index(b"colrnclx") + 8
    patched = data[:at] + struct.pack(">HH", BT709, PQ) + data[at + 4 :]
    assert patch(patched)[0] > patch(data)[0] + 30


def test_a_real_hdr_photo_is_not_dark(photos: Path) -> None:
    """Row 2: the sky of this one was grey, and the mean 100."""
    data = (photos / "phones" / "10bit-HDR-P3-nclx.avif").read_bytes()
    picture = opening.open_picture(data, DecodeLimits(max_megapixels=100).resolved())
    shown, _ = pixels.thumbnail(picture, (200, 200))
    seen = np.asarray(Image.open(io.BytesIO(shown))).astype(int)
    sky = seen[20:60, 20:60].mean(axis=(0, 1))
    assert seen.mean() > 112 and sky[2] > sky[0] + 60


# -- CMYK, Lab, 16 bits ------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["TIFF", "PNG"])
def test_sixteen_bits_of_colour(kind: str) -> None:
    """Editors and scanners write them; as light as in eight bits."""
    values = np.asarray(scene()).astype(np.uint16) * 257
    data = png_of(values) if kind == "PNG" else tiff_of(values)
    assert psnr(tiles_of(data)[0], np.asarray(square(scene(), SHAPE))) > 45


def chunk(kind: bytes, content: bytes) -> bytes:
    """A part of a PNG."""
    sum_ = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + sum_


def png_of(values: Any) -> bytes:
    """(h, w, 3) of 16 bits as a PNG; Pillow writes none."""
    height, width, _ = values.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    parts = chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def tiff_of(values: Any) -> bytes:
    """(h, w, 3) of 16 bits or floats as an uncompressed TIFF; Pillow writes none."""
    height, width, count = values.shape
    bits, form = values.itemsize * 8, 3 if values.dtype.kind == "f" else 1
    pixels_: bytes = values.astype(values.dtype.newbyteorder("<")).tobytes()
    entries = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 3, 0), (259, 3, 1, 1),
               (262, 3, 1, 2), (273, 4, 1, 0), (277, 3, 1, count), (278, 4, 1, height),
               (279, 4, 1, len(pixels_)), (284, 3, 1, 1), (339, 3, 3, 0)]  # fmt: skip
    after = 8 + 2 + 12 * len(entries) + 4
    places = {258: after, 339: after + 6, 273: after + 12}
    directory = b"".join(
        struct.pack("<HHII", tag, kind, length, places.get(tag, value))
        for tag, kind, length, value in entries
    )
    head = b"II*\0" + struct.pack("<IH", 8, len(entries)) + directory + bytes(4)
    return head + struct.pack("<6H", *[bits] * 3, *[form] * 3) + pixels_


def test_colours_as_floats_are_refused_in_words() -> None:
    """Pillow reads grey ones only."""
    data = tiff_of(np.asarray(scene()).astype(np.float32) / 255)
    with pytest.raises(UnidentifiedImageError) as caught:
        tiles_of(data)
    failed = damage.explain(caught.value, data)
    assert failed.code == "unsupported" and "3 × 32 bits, floats" in failed.reason
    broken = damage.explain(caught.value, data[:100])
    assert broken.code == "damaged"


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk_without_a_profile(kind: str) -> None:
    """As other programs show it, not inverted."""
    data = encoded(scene().convert("CMYK"), kind)
    assert psnr(tiles_of(data)[0], np.asarray(square(scene(), SHAPE))) > 26


def test_lab_is_converted() -> None:
    profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    stored = ImageCms.profileToProfile(scene(), *profiles, outputMode="LAB")
    assert stored is not None
    shown = tiles_of(encoded(stored, "TIFF"))[0]
    assert psnr(shown, np.asarray(square(scene(), SHAPE))) > 26


def test_lab_of_sixteen_bits_is_converted() -> None:
    """As editors save it; Pillow alone reads eight bits only."""
    profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    lab = ImageCms.profileToProfile(scene(), *profiles, outputMode="LAB")
    assert lab is not None
    values = np.asarray(lab).astype(np.uint16)
    values[..., 1:] ^= 128 if np.asarray(lab).dtype == np.int8 else 0
    data = tiff_of(values * 256)
    at = data.index(struct.pack("<HHI", 262, 3, 1)) + 8
    data = data[:at] + struct.pack("<I", 8) + data[at + 4 :]
    assert psnr(tiles_of(data)[0], np.asarray(square(scene(), SHAPE))) > 26


def cmyk_profile() -> bytes:
    """A printer whose cyan is red and whose black is yellow; two inks are black."""
    inks = {0: (255, 128, 128), 8: (130, 200, 180), 1: (240, 120, 220)}  # of the bits C, M, Y, K
    corners = [inks.get(number, (0, 128, 128)) for number in range(16)]
    table = b"mft1" + bytes(4) + bytes((4, 3, 2, 0))
    table += struct.pack(">9i", *(0x10000 * (place % 4 == 0) for place in range(9)))
    table += (
        bytes(range(256)) * 4
        + bytes(one for corner in corners for one in corner)
        + bytes(range(256)) * 3
    )
    head = struct.pack(
        ">I4x I4s4s4s12x4s", 144 + len(table), 0x02400000, b"prtr", b"CMYK", b"Lab ", b"acsp"
    )
    head += bytes(28) + struct.pack(">3I", 0xF6D6, 0x10000, 0xD32D)
    return head.ljust(128, b"\0") + struct.pack(">I4sII", 1, b"A2B0", 144, len(table)) + table


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk_with_a_profile(kind: str) -> None:
    """The inks are those of the profile."""
    profile = cmyk_profile()
    for inks, name in (((255, 0, 0, 0), "red"), ((0, 0, 0, 255), "yellow")):
        plain = Image.new("CMYK", (64, 64), inks)
        r, g, b = patch(encoded(plain, kind, icc_profile=profile))
        assert r > 180 and (g > 180) == (name == "yellow") and b < 100, (name, r, g, b)


@pytest.mark.parametrize(("primaries", "transfer"), [(P3, SRGB), (BT2020, PQ)])
def test_the_colours_of_a_png_by_numbers(primaries: int, transfer: int) -> None:
    """Screenshots of HDR screens have them in `cICP`."""
    red = Image.new("RGB", (64, 64), (150, 80, 80))
    data = encoded(red, "PNG")
    stated = data[:33] + chunk(b"cICP", bytes((primaries, transfer, 0, 1))) + data[33:]
    shown = light.to_srgb(red, Nclx(primaries, transfer)).getpixel((0, 0))
    assert np.abs(patch(stated) - shown).max() <= 2
    assert np.abs(patch(data) - (150, 80, 80)).max() <= 1
    late = data[:-12] + chunk(b"cICP", bytes((primaries, transfer, 0, 1))) + data[-12:]
    assert np.abs(patch(late) - (150, 80, 80)).max() <= 1
    for length in range(60):
        colour.cicp_of(stated[:length])
