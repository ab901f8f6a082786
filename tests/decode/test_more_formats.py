"""Rarer formats are read, or refused with a reason and a remedy that fit."""

from __future__ import annotations

import struct
import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image, UnidentifiedImageError

from photosd.core.formats import is_photo_name
from photosd.decode import damage, raw
from photosd.decode.decode_errors import DecodeFailed
from photosd.decode.limits import DecodeLimits
from photosd.decode.opening import open_picture
from tests.decode.pictures import LIMITS, SHAPE, jpeg, oriented, psnr, scene, square, tiles_of

JXL_START = b"\0\0\0\x0cJXL \r\n\x87\n"


class StubReader(SimpleNamespace):
    """Stands in for pylibjxl: every file holds the scene."""

    size = 96, 80
    decoded = 0

    def probe(self, _data: bytes) -> dict[str, int]:
        return dict(zip(("width", "height"), self.size, strict=True))

    def decode(self, _data: bytes, metadata: bool) -> tuple[Any, dict[str, bytes]]:
        assert metadata
        self.decoded += 1
        return np.asarray(scene()), {"exif": oriented(scene(), 6)[1].tobytes()[6:]}


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> StubReader:
    stub = StubReader()
    monkeypatch.setitem(sys.modules, "pylibjxl", stub)
    return stub


def test_jpeg_xl_without_its_reader_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Row 16 of the faults: such files were ignored silently."""
    assert is_photo_name(b"a.JXL")
    monkeypatch.setitem(sys.modules, "pylibjxl", None)
    for data in (JXL_START, b"\xff\x0a\xfa"):
        with pytest.raises(DecodeFailed) as caught:
            open_picture(data, LIMITS)
        assert caught.value.code == "jxl_without_reader"
        assert "pylibjxl" in caught.value.remedy


def test_jpeg_xl_is_upright(reader: StubReader) -> None:
    """The library has turned it already, whatever its EXIF data say."""
    shown = tiles_of(JXL_START)[0]
    assert psnr(shown, np.asarray(square(scene(), SHAPE))) > 53
    assert open_picture(JXL_START, LIMITS).format == "JXL"


def test_a_jpeg_xl_that_is_too_large_is_not_decoded(reader: StubReader) -> None:
    """Its size is known before: a few bytes may stand for gigabytes."""
    reader.size = 100_000, 100_000
    with pytest.raises(DecodeFailed) as caught:
        open_picture(JXL_START, LIMITS)
    assert (caught.value.code, reader.decoded) == ("too_large", 0)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
def test_jpeg_xl_by_its_library(mode: str) -> None:
    library = pytest.importorskip("pylibjxl")
    picture = scene().convert(mode)
    pixels = np.asarray(picture).reshape(80, 96, -1)
    data = library.encode(pixels, lossless=True)
    wanted = square(picture.convert("RGB"), SHAPE)
    assert psnr(tiles_of(data)[0], np.asarray(wanted)) > 50
    with pytest.raises(RuntimeError) as caught:
        tiles_of(data[: len(data) // 2])
    assert damage.explain(caught.value, data).code == "damaged"


def test_the_composite_of_a_photoshop_file_is_the_photo() -> None:
    """As Photoshop writes it for other programs."""
    pixels = np.asarray(scene())
    planes = np.moveaxis(pixels, 2, 0).tobytes()
    head = b"8BPS" + struct.pack(">H6xHIIHH", 1, 3, 80, 96, 8, 3)
    data = head + bytes(12) + struct.pack(">H", 0) + planes
    assert psnr(tiles_of(data)[0], np.asarray(square(scene(), SHAPE))) > 53
    assert is_photo_name(b"a.psd")
    deep = b"8BPS" + struct.pack(">H6xHIIHH", 1, 3, 80, 96, 32, 3) + bytes(12)
    assert why_refused(deep).code in ("unsupported", "damaged")


@pytest.mark.parametrize(
    ("data", "reason", "remedy"),
    [
        (b"%PDF-1.7\n%\xe2\xe3", "a document (PDF)", "no action needed"),
        (b"<?xml version='1.0'?>\n<svg width='9'/>", "a drawing (SVG)", "no action needed"),
        (b"/annex/objects/SHA256E-s9--ab.jpg\n", "a pointer of git-annex", "git annex get"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a pointer of Git LFS", "git lfs pull"),
        (b"\0\0\0\x18ftypqt  \0\0\0\0qt  ", "a video", "no action needed"),
    ],
)
def test_what_is_no_photo_is_named(data: bytes, reason: str, remedy: str) -> None:
    """Row 12 of the faults, and files with a wrong suffix."""
    failed = why_refused(data)
    assert failed.code == "not_a_picture" and not failed.transient
    assert reason in failed.reason and remedy in failed.remedy


def why_refused(data: bytes) -> DecodeFailed:
    with pytest.raises((UnidentifiedImageError, OSError, SyntaxError, ValueError)) as caught:
        open_picture(data, LIMITS).image.load()
    return damage.explain(caught.value, data)


@pytest.mark.parametrize("size", [(640, 480), (240, 180)])
def test_a_dng_with_jpeg_xl_inside_is_shown_by_its_preview(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Row 11: as iPhones write them; also if the preview is small and nothing else can be read."""
    monkeypatch.setattr(raw, "rendered", lambda *_: None)
    preview = Image.fromarray(np.asarray(scene(*size)))
    data = b"II*\0" + bytes(400) + JXL_START + bytes(900) + jpeg(preview) + b"\xff\x0a" * 50
    picture = raw.open_raw(data, DecodeLimits().resolved())
    assert picture.size == size
