"""The metadata of real files of phones and programs, as they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest

from photosd.decode import facts, opening
from photosd.decode.decode_errors import DecodeFailed
from photosd.decode.limits import DecodeLimits
from photosd.decode.pool import Pool, Shape

SOON = 600.0
MAX_BYTES = 400 << 20  # after all of them
ANY_SIZE = DecodeLimits(max_megapixels=1000)
EXPECTED: dict[str, dict[str, Any]] = {
    "10bit-HDR-P3-nclx.avif": {},
    "200MP.heic": {"taken": "2025-01-19T14:53:27.031000+03:00", "taken_from": "exif original"},
    # The clock has no zone; GPS says that it was five hours behind UTC.
    "IMG_2682.heic": {
        "taken": "2019-03-21T11:04:22.348000-05:00",
        "latitude": 41.2203,
        "longitude": -96.071625,
    },
    "L_exif_xmp_iptc.heic": {
        "tags": ["HvK", "2006", "summer", "July", "holiday", "Hungary", "Budapest"],
        "city": "Budapest",
        "country": "Hungary",
        "taken": "2020-09-14T11:09:34.641000-05:00",
    },
    "aux_YCbCr.heic": {"taken": "2025-06-02T14:07:50.691000+03:00", "longitude": 24.8343058},
    "date-priority-test.jpg": {"taken": "2023-02-02T02:00:00", "taken_from": "exif original"},
    "datetimeoriginal-gps.jpg": {"taken": "2025-12-01T11:30:00", "latitude": 39.0},
    "empty_gps.jpg": {"taken": "2025-06-01T16:59:26.023460", "latitude": None},
    "gps-datetime.jpg": {"taken_at": 1700051400.0, "taken_from": "gps", "taken": None},
    "mongolels.jpg": {"title": "Mongol Els", "caption": "Mongol Els", "rating": 3},
    "portrait-orientation-6.jpg": {
        "people": ["Marie Curie", "Pierre Curie"],
        "tags": ["Marie Curie", "Pierre Curie", "People"],
        "orientation": 6,
    },
    "pug.heic": {"taken": "2023-02-21T14:33:08.302000+03:00", "camera": "Apple iPhone 13 Pro"},
    "samsung-one-ui-6.heic": {"taken": "2024-01-12T21:38:53.853000-08:00"},
    "spatial_photo.heic": {"taken": "2024-04-22T14:38:09.526000+02:00", "taken_from": "xmp"},
}


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_what_a_real_file_says(photos: Path, name: str) -> None:
    """Every fact that a person sees in it; nothing in it is unreadable."""
    data = (photos / "phones" / name).read_bytes()
    picture = opening.open_picture(data, ANY_SIZE.resolved())
    found = msgspec.json.decode(msgspec.json.encode(facts.of(picture)))
    assert {fact: found.get(fact) for fact in EXPECTED[name]} == EXPECTED[name]
    assert "unreadable" not in found


@pytest.mark.timeout(900)
def test_every_file_is_indexed_or_explained(photos: Path, pool: Pool) -> None:
    """JPEG XL needs its library; all others are read, the one of 200 MP by its thumbnail."""
    files = sorted(file for file in (photos / "phones").iterdir() if file.is_file())
    futures = {file.name: pool.decode(bytes(file), Shape(224), urgent=True) for file in files}
    assert len(futures) >= 16
    for name, future in futures.items():
        error = future.exception(SOON)
        if name.endswith(".jxl") and error is not None:
            assert isinstance(error, DecodeFailed) and error.code == "jxl_without_reader"
            assert "pylibjxl" in error.remedy
        else:
            assert error is None and len(future.result().pixels) >= 1, name
    for pid in pool.pids:
        assert psutil.Process(pid).memory_info().rss < MAX_BYTES


@pytest.mark.parametrize("year", [2000, 2010, 2020])
def test_sidecars_of_lightroom_in_utf_16(photos: Path, year: int) -> None:
    """With a byte order mark, and thousands of blanks."""
    found = facts.of_sidecars([bytes(photos / "phones" / "xmp" / f"{year}.xmp")])
    assert found == {
        "taken": f"{year}-09-27T14:35:33+02:00",
        "taken_at": found["taken_at"],
        "taken_from": "xmp",  # it has CreateDate only
    }
