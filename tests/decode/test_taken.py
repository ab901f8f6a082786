"""When a photo was taken: the wall clock of its EXIF, in every spelling of every program."""

from __future__ import annotations

import datetime
import time

import pytest
from PIL import Image

from photosd.decode import taken
from photosd.decode.messages import Facts
from tests.decode.pictures import jpeg, scene
from tests.decode.test_facts import exif_of, facts_of, xmp_packet

ORIGINAL, DIGITIZED, CHANGED = 0x9003, 0x9004, 0x0132
OFFSET, OFFSET_ORIGINAL, OFFSET_DIGITIZED = 0x9010, 0x9011, 0x9012
FRACTION_ORIGINAL = 0x9291
ZEROS = "0000:00:00 00:00:00"


def facts_from(details: dict[int, object], main: dict[int, object] | None = None) -> Facts:
    """The facts of a JPEG with these tags in its two directories."""
    return facts_of(jpeg(scene(), exif=exif_of(details, main)))


@pytest.mark.parametrize(
    ("text", "clock"),
    [
        ("2023:11:14 22:13:20", "2023-11-14T22:13:20"),
        ("2023:11:14 22:13:20Z", "2023-11-14T22:13:20+00:00"),
        ("2023-11-14T22:13:20+00:00", "2023-11-14T22:13:20+00:00"),
        ("2023:11:14 16:43:20.25 -05:30", "2023-11-14T16:43:20.250000-05:30"),
        ("2023:11:14 16:43:20-0530", "2023-11-14T16:43:20-05:30"),
        ("2025:01:14 18:31:30+0300", "2025-01-14T18:31:30+03:00"),
        ("2023-11-14T22:13Z", "2023-11-14T22:13:00+00:00"),
        ("2023/11/14 22:13:20", "2023-11-14T22:13:20"),
        ("2023:11:14 22:13:20 (local)", "2023-11-14T22:13:20"),
        ("2023:11:14 22:13:20+99:99", "2023-11-14T22:13:20"),
        ("2015:08:22 24:08:19", "2015-08-22T00:08:19"),  # phones that count hours from 1 to 24
        ("2023:11:14 25:08:19", None),
        (ZEROS, None),
        ("    :  :     :  :  ", None),
        ("2023:00:14 22:13:20", None),
        ("2023:13:45 99:99:99", None),
        ("2023:02:29 10:00:00", None),
        ("1204:01:01 00:00:00", None),
        ("2023:11:14", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_dates_are_understood_or_left_out(text: str, clock: str | None) -> None:
    """Spellings of EXIF and XMP are read; what cameras without a clock write gives no date."""
    found = taken.read(text)
    assert (found and found.isoformat()) == clock
    in_file = facts_from({ORIGINAL: text}).taken if text.isascii() else clock
    assert in_file == clock


@pytest.mark.parametrize(
    ("details", "main", "clock"),
    [
        # The moment of exposure goes before that of the scan, and both before the last change.
        (
            {ORIGINAL: "2011:01:01 10:00:00", DIGITIZED: "2012:01:01 10:00:00"},
            {CHANGED: "2013:01:01 10:00:00"},
            "2011-01-01T10:00:00",
        ),
        (
            {DIGITIZED: "2012:01:01 10:00:00"},
            {CHANGED: "2013:01:01 10:00:00"},
            "2012-01-01T10:00:00",
        ),
        ({}, {CHANGED: "2013:01:01 10:00:00"}, "2013-01-01T10:00:00"),
        # A field of zeros, blanks or nonsense does not spoil the good one beside it.
        ({ORIGINAL: ZEROS, DIGITIZED: "2011:01:01 10:00:00"}, {}, "2011-01-01T10:00:00"),
        (
            {ORIGINAL: " ", DIGITIZED: ZEROS},
            {CHANGED: "2011:01:01 10:00:00"},
            "2011-01-01T10:00:00",
        ),
        (
            {ORIGINAL: "2011:99:01 10:00:00"},
            {CHANGED: "2011:01:01 10:00:00"},
            "2011-01-01T10:00:00",
        ),
        # OffsetTimeOriginal goes before OffsetTime, which some programs write alone.
        (
            {ORIGINAL: "2011:01:01 10:00:00", OFFSET: "+05:00", OFFSET_ORIGINAL: "+02:00"},
            {},
            "2011-01-01T10:00:00+02:00",
        ),
        ({ORIGINAL: "2011:01:01 10:00:00", OFFSET: "+05:00"}, {}, "2011-01-01T10:00:00+05:00"),
        (
            {DIGITIZED: "2011:01:01 10:00:00", OFFSET_DIGITIZED: "-03:00"},
            {},
            "2011-01-01T10:00:00-03:00",
        ),
        ({OFFSET: "+05:00"}, {CHANGED: "2011:01:01 10:00:00"}, "2011-01-01T10:00:00+05:00"),
        (
            {ORIGINAL: "2011:01:01 10:00:00", OFFSET_ORIGINAL: "   :  "},
            {},
            "2011-01-01T10:00:00",
        ),
        # A zone inside the field is that of the field.
        (
            {ORIGINAL: "2025:01:14 18:31:30+0300", OFFSET_ORIGINAL: "+03:00"},
            {},
            "2025-01-14T18:31:30+03:00",
        ),
        (
            {ORIGINAL: "2011:01:01 10:00:00", FRACTION_ORIGINAL: "25"},
            {},
            "2011-01-01T10:00:00.250000",
        ),
        (
            {ORIGINAL: "2011:01:01 10:00:00", FRACTION_ORIGINAL: "x"},
            {},
            "2011-01-01T10:00:00",
        ),
        ({}, {}, None),
    ],
)
def test_each_tag_has_its_rank(
    details: dict[int, object], main: dict[int, object], clock: str | None
) -> None:
    """Three dates, three offsets, one fraction."""
    assert facts_from(details, main).taken == clock


def test_xmp_goes_before_the_date_of_the_last_change() -> None:
    """A program that rewrites the file moves DateTime, not what it says of the exposure."""
    packet = xmp_packet('exif:DateTimeOriginal="2011-01-01T10:00:00"/>')
    exif = Image.Exif()
    exif[CHANGED] = "2013:01:01 10:00:00"
    assert facts_of(jpeg(scene(), exif=exif, xmp=packet)).taken == "2011-01-01T10:00:00"


@pytest.mark.parametrize("zone", ["UTC", "Asia/Jerusalem", "America/New_York"])
def test_the_clock_of_the_place_is_kept(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the zone of this machine, which only counts where the photo names none."""
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        told = facts_from({ORIGINAL: "2020:01:01 00:30:00", OFFSET_ORIGINAL: "+02:00"})
        untold = facts_from({ORIGINAL: "2020:01:01 00:30:00"})
        local = datetime.datetime(2020, 1, 1, 0, 30).timestamp()
    finally:
        monkeypatch.undo()
        time.tzset()
    assert (told.taken, told.taken_at) == ("2020-01-01T00:30:00+02:00", 1_577_831_400.0)
    assert (untold.taken, untold.taken_at) == ("2020-01-01T00:30:00", local)
