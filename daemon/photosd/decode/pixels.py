"""From an opened picture to upright squares for the model, or to a thumbnail."""

from __future__ import annotations

import io

from PIL import Image

from photosd.decode import colour, geometry
from photosd.decode.messages import Shape
from photosd.decode.opening import Picture

JPEG_QUALITY = 82
REDUCING_GAP = 4.0  # averages whole blocks first: cheap, 54 dB and more

RESAMPLING = {"bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR}
# How to show a picture of each EXIF orientation upright.
TRANSPOSE = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def squares(picture: Picture, shape: Shape) -> list[bytes]:
    """The model's view of a picture: for each tile (size, size, 3) bytes of upright RGB."""
    # The turn is known only after loading in some formats; the squares are the same size in both.
    rough = geometry.plan(*picture.size, shape)
    box = picture.load((rough.width, rough.height))
    orientation = picture.orientation
    exact = geometry.plan(*geometry.stored_size(picture.size, orientation), shape)
    source, profile, scale = _prepared(picture)
    tiles = []
    for corner in exact.corners:
        part = geometry.stored_box(corner, shape.size, exact, orientation, box)
        tile = source.resize(
            (shape.size, shape.size),
            RESAMPLING[shape.interpolation],
            box=part,
            reducing_gap=REDUCING_GAP,
        )
        tiles.append(_upright(colour.to_srgb(tile, profile, scale), orientation).tobytes())
    return tiles


def thumbnail(picture: Picture, longest: int) -> tuple[bytes, tuple[int, int]]:
    """A JPEG of the upright picture, at most ``longest`` pixels on its long side, and its size."""
    scale = min(1.0, longest / max(picture.size))
    size = (max(1, round(picture.size[0] * scale)), max(1, round(picture.size[1] * scale)))
    box = picture.load(size)
    source, profile, scale = _prepared(picture)
    small = source.resize(size, Image.Resampling.BICUBIC, box=box, reducing_gap=REDUCING_GAP)
    upright = _upright(colour.to_srgb(small, profile, scale), picture.orientation)
    buffer = io.BytesIO()
    upright.save(buffer, "JPEG", quality=JPEG_QUALITY)
    return buffer.getvalue(), upright.size


def _prepared(picture: Picture) -> tuple[Image.Image, bytes | None, float]:
    scale = colour.scale_of(picture.image)
    image = colour.interpolable(picture.image)
    if image.mode in ("RGBA", "LA"):  # see-through pixels must not bleed their colour; once for all
        image = image.convert({"RGBA": "RGBa", "LA": "La"}[image.mode])
    profile = picture.image.info.get("icc_profile")
    return image, profile if isinstance(profile, bytes) else None, scale


def _upright(small: Image.Image, orientation: int) -> Image.Image:
    turn = TRANSPOSE.get(orientation)
    return small if turn is None else small.transpose(turn)
