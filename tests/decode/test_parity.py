"""On real photos the model sees what torchvision's own transforms would show it."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

from photosd.decode import colour
from photosd.decode.messages import Shape
from tests.decode.pictures import Array, psnr, square, tiles_of

MIN_DECIBELS = 50  # a crop that is off by one pixel gives 22 to 30

SHAPES = [Shape(224), Shape(256, interpolation="bilinear"), Shape(224, resize_mode="squash")]


def name_of(shape: Shape) -> str:
    """How a shape appears in a test's name."""
    return f"{shape.size}-{shape.interpolation}-{shape.resize_mode}"


def upright(stored: Image.Image) -> Image.Image:
    """Full decode, then exif_transpose, as one would write it without caring for speed."""
    image: Image.Image = ImageOps.exif_transpose(stored)
    return image.convert("RGB")


def managed(image: Image.Image, stored: Image.Image) -> Array:
    """The profile last, as the decoder does: issue [4/10] wants it after the shrink."""
    profile = stored.info.get("icc_profile")
    if profile and stored.mode == "RGB":
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if source.profile.profile_description not in colour.SRGB_NAMES:
            converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"))
            return np.asarray(converted)
    return np.asarray(image)


def real_photos(photos: Path) -> list[Path]:
    """Photos of all sizes, orientations and cameras."""
    return sorted((photos / "library").glob("*.jpg")) + sorted((photos / "zoo").glob("exif__*"))


@pytest.mark.parametrize(
    ("shape", "step"),
    list(zip(SHAPES, (2, 6, 6), strict=True)),
    ids=["bicubic", "bilinear", "squash"],
)
def test_real_photos_look_as_a_full_decode_shows_them(
    photos: Path, shape: Shape, step: int
) -> None:
    """Shrinking while decoding, cropping first and turning last cost less than 50 dB tells."""
    compared, differ = 0, []
    for file in real_photos(photos)[::step]:
        tiles = tiles_of(file.read_bytes(), shape)
        if len(tiles) > 1:  # tiles have no counterpart
            continue
        stored = Image.open(file)
        likeness = psnr(tiles[0], managed(square(upright(stored), shape), stored))
        compared += 1
        if likeness < MIN_DECIBELS:
            differ.append((likeness, file.name))
    assert not differ
    assert compared > 60 / step


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES, ids=name_of)
def test_the_full_decode_is_torchvisions(photos: Path, shape: Shape) -> None:
    """The arithmetic that the other test compares with is torchvision's, to the last bit."""
    transforms = pytest.importorskip("torchvision.transforms", reason="parity with torchvision")
    size = shape.size if shape.resize_mode == "shortest" else (shape.size, shape.size)
    mode = transforms.InterpolationMode(shape.interpolation)
    resize, crop = transforms.Resize(size, mode), transforms.CenterCrop(shape.size)
    for file in real_photos(photos):
        image = upright(Image.open(file))
        assert np.array_equal(np.asarray(crop(resize(image))), np.asarray(square(image, shape))), (
            file.name
        )
