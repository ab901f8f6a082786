"""Colours that a file describes by numbers (ITU-T H.273, ``nclx``) instead of a profile.

HDR is reduced to SDR by one documented curve (docs/explanation/colours.md): white of 203 cd/m²
(ITU-R BT.2408) becomes nearly white, what is darker than half of it stays as it is, and highlights
up to 1,000 cd/m² are compressed into the rest, each with its hue.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from PIL import Image

PQ, HLG, LINEAR, GAMMA_22, GAMMA_28, SRGB = 16, 18, 8, 4, 5, 13
WHITE = 203.0  # cd/m² of white in HDR pictures
PEAK = 1000.0  # cd/m² of the lightest highlights that are told apart
KNEE = 0.5  # of white; below, nothing is changed
GAMMA_OF_HLG = 1.2  # of a screen of 1,000 cd/m²
LUMA = (0.2627, 0.6780, 0.0593)  # of BT.2020
# From these primaries to those of sRGB, in linear light: BT.2020, and P3 with the white of D65.
TO_SRGB = {
    9: (
        (1.660491, -0.587641, -0.072850),
        (-0.124550, 1.132900, -0.008349),
        (-0.018151, -0.100579, 1.118730),
    ),
    12: (
        (1.224940, -0.224940, 0.0),
        (-0.042057, 1.042057, 0.0),
        (-0.019638, -0.078636, 1.098274),
    ),
}


class Nclx(NamedTuple):
    """Colour primaries and transfer characteristics, as numbered by H.273."""

    primaries: int
    transfer: int

    @property
    def is_hdr(self) -> bool:
        """Whether its values are not those of a screen of today, even with a profile."""
        return self.transfer in (PQ, HLG)

    @property
    def is_srgb(self) -> bool:
        """Whether its values may be shown as they are."""
        usual = self.transfer not in (PQ, HLG, LINEAR, GAMMA_22, GAMMA_28)
        return usual and self.primaries not in TO_SRGB


def to_srgb(image: Image.Image, nclx: Nclx) -> Image.Image:
    """An RGB picture with these colours in sRGB."""
    import numpy as np  # tens of milliseconds, for pictures that are rare

    light = _linear(np.asarray(image.convert("RGB"), np.float32) / 255, nclx, np)
    if nclx.primaries in TO_SRGB:
        light = light @ np.array(TO_SRGB[nclx.primaries], np.float32).T
    light = np.maximum(light, 0)
    if nclx.is_hdr:
        lightest = np.maximum(light.max(axis=2, keepdims=True), 1e-6)
        light = light * (_compressed(lightest, np) / lightest)
    light = np.clip(light, 0, 1)
    coded = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    return Image.fromarray((coded * 255).round().astype(np.uint8))


def _linear(coded: Any, nclx: Nclx, np: Any) -> Any:
    """Linear light, 1 for white."""
    match nclx.transfer:
        case transfer if transfer == PQ:  # SMPTE ST 2084
            root = coded ** (1 / 78.84375)
            above = np.maximum(root - 0.8359375, 0)
            return (above / (18.8515625 - 18.6875 * root)) ** (1 / 0.1593017578125) * 1e4 / WHITE
        case transfer if transfer == HLG:  # ITU-R BT.2100
            above = (np.exp((coded - 0.55991073) / 0.17883277) + 0.28466892) / 12
            scene = np.where(coded <= 0.5, coded * coded / 3, above)
            luma = np.maximum(scene @ np.array(LUMA, np.float32), 1e-6)[..., None]
            return scene * luma ** (GAMMA_OF_HLG - 1) * PEAK / WHITE
        case transfer if transfer in (GAMMA_22, GAMMA_28):
            return coded ** (2.2 if transfer == GAMMA_22 else 2.8)
        case transfer if transfer == LINEAR:
            return coded
    return np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)


def _compressed(light: Any, np: Any) -> Any:
    """Unchanged up to the knee, then flatter and flatter; 1 for the peak."""
    most = (PEAK / WHITE - KNEE) / (1 - KNEE)
    over = np.clip((light - KNEE) / (1 - KNEE), 0, most)
    return np.where(
        light <= KNEE, light, KNEE + (1 - KNEE) * over * (1 + over / most**2) / (1 + over)
    )
