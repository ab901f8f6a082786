"""When a photo was taken: the wall clock of its EXIF, in every spelling of every program."""

from __future__ import annotations

import datetime
import time
from pathlib import Path

import pytest
from PIL import Image

from photosd.decode import date_taken, facts
from photosd.decode.messages import Facts
from tests.decode.pictures import jpeg, scene
from tests.decode.test_facts import exif_of, facts_of, xmp_packet
from tests.decode.test_words_of_photos import dataset, with_iptc

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
        ("2023:1:4 2:3:0", "2023-01-04T02:03:00"),
        ("2023: 1: 4  2: 3: 0", "2023-01-04T02:03:00"),
        ("2023:11:14 22:13:20 (local)", "2023-11-14T22:13:20"),
        ("2023:11:14 22:13:20+99:99", "2023-11-14T22:13:20"),
        ("2024-04-22T14:38:09GMT+2", "2024-04-22T14:38:09+02:00"),
        ("2024-04-22T14:38:09.526GMT+02:00", "2024-04-22T14:38:09.526000+02:00"),
        ("0001:01:01 00:00:00", None),
        ("2015:08:22 24:08:19", "2015-08-22T00:08:19"),  # phones that count hours from 1 to 24
        ("2023:11:14 25:08:19", None),
        (ZEROS, None),
        ("    :  :     :  :  ", None),
        ("2023:00:14 22:13:20", None),
        ("2023:13:45 99:99:99", None),
        ("2023:02:29 10:00:00", None),
        ("1204:01:01 00:00:00", None),
        ("2023:11:14 10:13:20 PM", "2023-11-14T22:13:20"),
        ("2023:11:14 12:13:20am", "2023-11-14T00:13:20"),
        ("2023:11:14 12:13:20 p.m. +02:00", "2023-11-14T12:13:20+02:00"),
        ("2023:11", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_dates_are_understood_or_left_out(text: str, clock: str | None) -> None:
    """Spellings of EXIF and XMP are read; what cameras without a clock write gives no date."""
    found = date_taken.read(text)
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


def test_a_date_in_the_future_does_not_count() -> None:
    """The clock of a camera was never set; the next best date counts."""
    found = facts_from({ORIGINAL: "2099:01:01 10:00:00", DIGITIZED: "2011:01:01 10:00:00"})
    assert (found.taken, found.taken_from) == ("2011-01-01T10:00:00", "exif digitized")
    assert facts_from({ORIGINAL: "2099:01:01 10:00:00"}).taken is None


@pytest.mark.parametrize(
    ("date", "why"),
    [
        ("2099:01:01 10:00:00", "in the future"),
        (ZEROS, "zeros"),
        ("0001:01:01 00:00:00", "before 1826"),
        ("2023:13:45 10:00:00", "no such day or time"),
        ("2023:02:30", "no such day or time"),
        ("yesterday", "not a date"),
    ],
)
def test_a_refused_date_is_said_with_the_reason(date: str, why: str, tmp_path: Path) -> None:
    """In EXIF and in a sidecar; not what is after the date that counts, nor blanks."""
    found = facts_from({ORIGINAL: date, DIGITIZED: "2011:01:01 10:00:00"}, {CHANGED: "x"})
    assert found.refused_dates == (f"exif original: {date} ({why})",)
    assert facts_from({ORIGINAL: "    :  :     :  :  ", DIGITIZED: " "}).refused_dates == ()
    sidecar = tmp_path / "a.xmp"
    sidecar.write_bytes(xmp_packet(f'exif:DateTimeOriginal="{date}"/>'))
    refused = facts.of_sidecars([bytes(sidecar)])["refused_dates"]
    assert refused == [f"sidecar: {date} ({why})"]


@pytest.mark.parametrize(
    ("details", "main", "packet", "source"),
    [
        ({ORIGINAL: "2011:01:01 10:00:00"}, {}, "", "exif original"),
        ({DIGITIZED: "2011:01:01 10:00:00"}, {}, "", "exif digitized"),
        ({}, {CHANGED: "2011:01:01 10:00:00"}, "", "exif changed"),
        ({}, {CHANGED: "2012:01:01 10:00:00"}, "2011-01-01", "xmp"),
        ({}, {}, "2011", "xmp"),
        ({}, {}, "2099-01-01", None),
    ],
)
def test_a_photo_says_where_its_date_came_from(
    details: dict[int, object], main: dict[int, object], packet: str, source: str | None
) -> None:
    """And a date of XMP may lack the time, the day, the month."""
    date = xmp_packet(f'photoshop:DateCreated="{packet}"/>') if packet else b""
    found = facts_of(jpeg(scene(), exif=exif_of(details, main), xmp=date))
    assert found.taken_from == source
    assert (found.taken or "2011")[:4] == "2011"


@pytest.mark.parametrize(
    ("text", "taken", "precision"),
    [
        ("2019:08:03", "2019-08-03T00:00:00", "day"),
        ("2019:08:03   :  :  ", "2019-08-03T00:00:00", "day"),  # as EXIF writes an unknown time
        ("2019:08:03 00:00:00", "2019-08-03T00:00:00", None),
        ("2019:00:00", None, None),
    ],
)
def test_a_day_without_a_time(text: str, taken: str | None, precision: str | None) -> None:
    """Counts, and says that it is only a day."""
    found = facts_from({ORIGINAL: text})
    assert (found.taken, found.taken_precision) == (taken, precision)


def gps_facts(
    clock: str, stamp: tuple[float, ...], longitude: float | None = None, day: str = "2019:08:03"
) -> Facts:
    """The facts of a JPEG with this local time and this UTC time of GPS."""
    exif = exif_of({ORIGINAL: clock} if clock else {})
    gps: dict[int, object] = {0x1D: day, 7: stamp}
    if longitude is not None:
        gps |= {1: "N", 2: (31.0, 0.0, 0.0), 3: "E", 4: (longitude, 0.0, 0.0)}
        if longitude < 0:
            gps |= {3: "W", 4: (-longitude, 0.0, 0.0)}
    exif.get_ifd(0x8825).update(gps)
    return facts_of(jpeg(scene(), exif=exif))


@pytest.mark.parametrize(
    ("clock", "stamp", "longitude", "taken"),
    [
        ("2019:08:03 15:30:20", (12.0, 30.0, 19.0), None, "2019-08-03T15:30:20+03:00"),
        ("2019:08:03 15:30:20", (12.0, 30.0, 19.0), 34.8, "2019-08-03T15:30:20+03:00"),
        ("2019:08:03 15:30:20", (12.0, 28.5, 0.0), 34.8, "2019-08-03T15:30:20+03:00"),
        ("2019:08:03 18:15:20", (12.0, 30.0, 19.0), 85.0, "2019-08-03T18:15:20+05:45"),
        ("2019:08:03 10:00:00", (13.0, 30.0, 0.0), -52.0, "2019-08-03T10:00:00-03:30"),
        ("2019:08:04 02:00:00", (12.0, 0.0, 0.0), -157.0, "2019-08-04T02:00:00+14:00"),
        # The fix is of another moment, or no zone differs so from UTC, or from the sun.
        ("2019:08:03 15:30:20", (12.0, 25.0, 0.0), None, "2019-08-03T15:30:20"),
        ("2019:08:03 15:45:00", (12.0, 30.0, 0.0), None, "2019-08-03T15:45:00"),
        ("2019:08:04 03:00:00", (12.0, 0.0, 0.0), None, "2019-08-04T03:00:00"),
        ("2019:08:03 17:30:20", (12.0, 30.0, 19.0), -120.0, "2019-08-03T17:30:20"),
        ("2019:08:03 15:30:20", (25.0, 30.0, 19.0), None, "2019-08-03T15:30:20"),
        ("2019:08:03 15:30:20", (12.0, 30.0), None, "2019-08-03T15:30:20"),
    ],
)
def test_gps_tells_the_zone_of_a_clock_without_one(
    clock: str, stamp: tuple[float, ...], longitude: float | None, taken: str
) -> None:
    """UTC of GPS and the local time are of one moment."""
    assert gps_facts(clock, stamp, longitude).taken == taken


def test_gps_tells_the_moment_where_nothing_else_does() -> None:
    """In UTC: the local time is unknown. Without the time of day, the day."""
    found = gps_facts("", (12.0, 30.0, 19.0))
    assert (found.taken, found.taken_at, found.taken_from) == (None, 1564835419.0, "gps")
    found = gps_facts("", (12.0,))
    assert (found.taken, found.taken_from) == ("2019-08-03T00:00:00", "gps")
    assert found.taken_precision == "day"
    assert gps_facts("", (12.0, 30.0, 19.0), day="2099:08:03").taken_from is None


@pytest.mark.parametrize(
    ("records", "taken", "precision"),
    [
        ({55: b"20190803", 60: b"101500+0300"}, "2019-08-03T10:15:00+03:00", None),
        ({55: b"20190803", 60: b"101500"}, "2019-08-03T10:15:00", None),
        ({55: b"20190803"}, "2019-08-03T00:00:00", "day"),
        ({55: b"20190800"}, "2019-08-01T00:00:00", "month"),
        ({55: b"19480000"}, "1948-01-01T00:00:00", "year"),
        ({55: b"00000000", 62: b"20190803", 63: b"101500"}, "2019-08-03T10:15:00", None),
        ({55: b"20991231"}, None, None),
        ({55: b"x"}, None, None),
    ],
)
def test_the_date_of_iptc(
    records: dict[int, bytes], taken: str | None, precision: str | None
) -> None:
    """After XMP's dates, and before that of the last change."""
    data = b"".join(dataset(number, value) for number, value in records.items())
    found = facts_of(with_iptc(data))
    assert (found.taken, found.taken_precision) == (taken, precision)
    assert found.taken_from == (taken and "iptc")
