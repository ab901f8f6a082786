"""Converts any mode, depth, transparency and colour profile to 8-bit sRGB."""

from __future__ import annotations

import io
from collections import OrderedDict

from PIL import Image, ImageCms, TiffImagePlugin
from PIL.ExifTags import Base

from photosd.decode import light
from photosd.decode.light import Nclx

# Transparent photos get a white background, as in all viewers; dropping the alpha channel would
# show arbitrary hidden colours.
BEHIND = (255, 255, 255)
PNG = b"\x89PNG\r\n\x1a\n"
LAB = 8  # of TIFF
PROFILES_KEPT = 32
SAMPLED = 1 << 20  # pixels that determine the range of a picture
LIGHTER = 0.999  # of the pixels are at most white: a few highlights must not darken the rest
ROWS = 256  # converted at once, to limit memory
SPACE_OF_MODE = {"RGB": "RGB ", "L": "GRAY", "CMYK": "CMYK"}
# Plain sRGB, which needs no transform; other profiles may have names with the same prefix.
SRGB_NAMES = frozenset({"sRGB", "sRGB IEC61966-2.1", "sRGB built-in"})

Colours = bytes | Nclx | None  # a profile, or numbers; None: sRGB

_transforms: OrderedDict[tuple[bytes, str], ImageCms.ImageCmsTransform | None] = OrderedDict()


def know_lab() -> None:
    """Have Pillow read TIFFs in Lab of 16 bits: as RGB, see `interpolable`."""
    for order, raw in ((b"II", "RGB;16L"), (b"MM", "RGB;16B")):
        key = (order, LAB, (1,), 1, (16, 16, 16), ())
        TiffImagePlugin.OPEN_INFO.setdefault(key, ("RGB", raw))


def cicp_of(png: bytes) -> Nclx | None:
    """The colours that a PNG gives by numbers (``cICP``), as Pillow does not."""
    at, kind = len(PNG), b""
    while kind != b"IDAT" and at + 12 <= len(png):
        size, kind = int.from_bytes(png[at : at + 4]), png[at + 4 : at + 8]
        if kind == b"cICP" and size == 4:
            return Nclx(png[at + 8], png[at + 9])
        at += 12 + size
    return None


def interpolable(image: Image.Image) -> Image.Image:
    """The same picture in a mode whose neighbouring values can be averaged."""
    if image.mode == "RGB" and _is_lab(image):
        light_, *others = image.split()
        # Numbers with a sign, which Pillow stores with 128 added.
        signed = [one.point(lambda value: value ^ 128) for one in others]
        return Image.merge("LAB", (light_, *signed))
    if image.mode == "1":
        return image.convert("L")
    if image.mode in ("I", "F"):
        return _by_own_range(image)
    if image.mode.startswith("I;16"):  # Pillow resizes these wrongly or not at all
        return image.convert("I")
    if image.mode in ("P", "PA"):
        see_through = image.mode == "PA" or "transparency" in image.info
        return image.convert("RGBA" if see_through else "RGB")
    if image.mode in ("RGB", "L") and "transparency" in image.info:  # one colour is transparent
        return image.convert("RGBA")
    return image


def _is_lab(image: Image.Image) -> bool:
    return (
        isinstance(image, TiffImagePlugin.TiffImageFile)
        and image.tag_v2.get(Base.PhotometricInterpretation) == LAB
    )


def colours_of(image: Image.Image, nclx: Nclx | None) -> Colours:
    """What the values of a picture mean: a profile counts before numbers that are not HDR."""
    profile = image.info.get("icc_profile")
    if nclx is not None and (nclx.is_hdr or not profile):
        return nclx
    return profile if isinstance(profile, bytes) else None


def to_srgb(small: Image.Image, colours: Colours, scale: float) -> Image.Image:
    """A reduced picture as RGB: depth, colours and transparency resolved.

    ``scale`` maps its values to 0..255; see `scale_of`.
    """
    small = _eight_bits(small, scale)
    alpha = small.getchannel("A") if small.mode in ("RGBA", "LA") else None
    opaque = small.convert({"RGBA": "RGB", "LA": "L"}[small.mode]) if alpha else small
    flat = _managed(opaque, colours)
    if alpha is None:
        return flat
    return Image.composite(flat, Image.new("RGB", flat.size, BEHIND), alpha)


def scale_of(image: Image.Image) -> float:
    """The factor that maps the values of a picture from `interpolable` to 0..255."""
    return 1 / 256 if image.mode.startswith("I;16") else 1.0


def _by_own_range(image: Image.Image) -> Image.Image:
    """A picture of floats or of 32-bit or signed integers as 8-bit grey.

    White is 1 for floats and 255 for integers, or the lightest value if many are lighter; black is
    0, or the darkest negative value. NaN counts as 0, infinity as white.
    """
    import numpy as np  # tens of milliseconds, for pictures that are rare

    values = np.asarray(image)
    step = max(1, round((values.size / SAMPLED) ** 0.5))
    sample = values[::step, ::step].astype(np.float64).ravel()
    sample = sample[np.isfinite(sample)]
    white, nominal = 0.0, 1.0 if image.mode == "F" else 255.0
    if sample.size:
        black, white = (float(q) for q in np.quantile(sample, (1 - LIGHTER, LIGHTER)))
    black, white = min(0.0, black if sample.size else 0.0), max(nominal, white)
    grey = np.empty(values.shape, np.uint8)
    for row in range(0, len(values), ROWS):
        part = values[row : row + ROWS].astype(np.float64)
        part = np.nan_to_num(part, nan=0.0, posinf=white, neginf=black)
        grey[row : row + ROWS] = ((part - black) * (255 / (white - black))).round().clip(0, 255)
    return Image.fromarray(grey)


def _eight_bits(small: Image.Image, scale: float) -> Image.Image:
    if small.mode == "I":  # Pillow's own conversion clips everything above 255
        return small.point(lambda value: value * scale).convert("L")
    if small.mode in ("RGBa", "La"):
        return small.convert({"RGBa": "RGBA", "La": "LA"}[small.mode])
    return small


def _managed(image: Image.Image, colours: Colours) -> Image.Image:
    """RGB of an opaque picture, using its profile if valid."""
    if isinstance(colours, Nclx):
        return image.convert("RGB") if colours.is_srgb else light.to_srgb(image, colours)
    profile = colours
    if profile and image.mode in SPACE_OF_MODE:
        transform = _transform(profile, image.mode)
        if transform is not None:
            managed = ImageCms.applyTransform(image, transform)
            if managed is not None:
                return managed
    return image.convert("RGB")


def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """The transform from ``profile`` to sRGB, cached for the next photo of the same camera."""
    key = (profile, mode)
    if key not in _transforms:
        try:
            _transforms[key] = _build(profile, mode)
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            _transforms[key] = None  # a damaged profile: leave the colours unchanged
        if len(_transforms) > PROFILES_KEPT:
            _transforms.popitem(last=False)
    _transforms.move_to_end(key)
    return _transforms[key]


def _build(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    if source.profile.xcolor_space != SPACE_OF_MODE[mode]:
        return None
    if source.profile.profile_description in SRGB_NAMES:
        return None
    target = ImageCms.createProfile("sRGB")
    return ImageCms.buildTransform(source, target, mode, "RGB")
