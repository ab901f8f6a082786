"""Turns an opened picture into upright squares for the model, or a thumbnail."""

from __future__ import annotations

import io

from PIL import Image

from photosd.decode import colour, geometry
from photosd.decode.messages import Form, Shape
from photosd.decode.opening import OpenedPicture

JPEG_QUALITY = 82
REDUCING_GAP = 4.0  # averages whole blocks first: fast, 54 dB or better

RESAMPLING = {"bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR}
# How to make a picture of each EXIF orientation upright.
TRANSPOSE = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def wanted_size(picture: OpenedPicture, shape: Shape) -> tuple[int, int]:
    """Width and height, as stored, to which a picture is reduced for a model."""
    rough = geometry.plan(*picture.size, shape)
    return rough.width, rough.height


def squares(picture: OpenedPicture, shape: Shape) -> list[bytes]:
    """The model's view of a picture: for each tile (size, size, 3) bytes of upright RGB."""
    # The orientation is known only after loading in some formats; the squares have the same size
    # either way.
    box = picture.load(wanted_size(picture, shape))
    orientation = picture.orientation
    exact = geometry.plan(*geometry.stored_size(picture.size, orientation), shape)
    source, colours, scale = _prepared(picture)
    tiles = []
    for corner in exact.corners:
        part = geometry.stored_box(corner, shape.size, exact, orientation, box)
        tile = source.resize(
            (shape.size, shape.size),
            RESAMPLING[shape.interpolation],
            box=part,
            reducing_gap=REDUCING_GAP,
        )
        tiles.append(_upright(colour.to_srgb(tile, colours, scale), orientation).tobytes())
    return tiles


def thumbnail(
    picture: OpenedPicture, within: tuple[int, int], form: Form = "jpeg"
) -> tuple[bytes, tuple[int, int]]:
    """The upright picture reduced to fit ``within`` (width, height), and its size.

    A JPEG, or (height, width, 3) bytes of RGB.
    """
    # The orientation is known only after loading in some formats.
    loaded = picture.load(fitting(picture.size, (max(within), max(within))))
    orientation = picture.orientation
    upright_size = fitting(geometry.stored_size(picture.size, orientation), within)
    source, colours, scale = _prepared(picture)
    small = source.resize(
        geometry.stored_size(upright_size, orientation),
        Image.Resampling.BICUBIC,
        box=loaded,
        reducing_gap=REDUCING_GAP,
    )
    upright = _upright(colour.to_srgb(small, colours, scale), orientation)
    if form == "rgb":
        return upright.convert("RGB").tobytes(), upright.size
    buffer = io.BytesIO()
    upright.save(buffer, "JPEG", quality=JPEG_QUALITY)
    return buffer.getvalue(), upright.size


def fitting(size: tuple[int, int], within: tuple[int, int]) -> tuple[int, int]:
    """``size`` reduced to fit ``within``."""
    scale = min(1.0, within[0] / size[0], within[1] / size[1])
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _prepared(picture: OpenedPicture) -> tuple[Image.Image, colour.Colours, float]:
    """The picture in a mode that can be reduced, what its values mean, and their scale."""
    scale = colour.scale_of(picture.image)
    image = colour.interpolable(picture.image)
    if image.mode in ("RGBA", "LA"):  # colours of transparent pixels must not bleed
        image = image.convert({"RGBA": "RGBa", "LA": "La"}[image.mode])
    return image, colour.colours_of(picture.image, picture.nclx), scale


def _upright(small: Image.Image, orientation: int) -> Image.Image:
    turn = TRANSPOSE.get(orientation)
    return small if turn is None else small.transpose(turn)
