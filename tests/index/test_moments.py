"""When a photo was taken, if it does not say: names of files and folders, and the order of all."""

from __future__ import annotations

import datetime
import time
import unicodedata
from typing import Any

import pytest

from photosd.index.moments import moment_of
from photosd.index.path_dates import FOLDERS, of_file, of_folders

YEAR = datetime.datetime.now().year


@pytest.mark.parametrize(
    ("name", "date"),
    [
        # Cameras and phones
        ("IMG_20190503_123011.jpg", "2019-05-03T12:30:11"),
        ("IMG_20190503_123011_HDR.jpg", "2019-05-03T12:30:11"),
        ("IMG_20190503_123011123.jpg", "2019-05-03T12:30:11"),
        ("IMG20190503123011.jpg", "2019-05-03T12:30:11"),
        ("20190503_123011.jpg", "2019-05-03T12:30:11"),
        ("20190503_123011(0).jpg", "2019-05-03T12:30:11"),
        ("20190503123011.jpg", "2019-05-03T12:30:11"),
        ("VID_20190503_123011.jpg", "2019-05-03T12:30:11"),
        ("MVIMG_20190503_123011.jpg", "2019-05-03T12:30:11"),
        ("PANO_20190503_123011.jpg", "2019-05-03T12:30:11"),
        ("00000IMG_00000_BURST20190503123011123_COVER.jpg", "2019-05-03T12:30:11"),
        ("DSC_20190503_123011.jpg", "2019-05-03T12:30:11"),
        ("WP_20150503_12_30_11_Pro.jpg", "2015-05-03T12:30:11"),
        ("C360_2015-05-03-12-30-11-123.jpg", "2015-05-03T12:30:11"),
        ("PXL_20210503_093011123.jpg", "2021-05-03T09:30:11+00:00"),
        ("PXL_20210503_093011123.MP.jpg", "2021-05-03T09:30:11+00:00"),
        ("2019-05-03 12.30.11.jpg", "2019-05-03T12:30:11"),
        ("2019-05-03 12.30.11-1.jpg", "2019-05-03T12:30:11"),
        # Messengers
        ("IMG-20190503-WA0001.jpg", "2019-05-03"),
        ("IMG-20190503-WA0001(1).jpg", "2019-05-03"),
        ("WhatsApp Image 2019-05-03 at 12.30.11.jpeg", "2019-05-03T12:30:11"),
        ("WhatsApp Image 2019-05-03 at 9.05.07 PM (1).jpeg", "2019-05-03T21:05:07"),
        ("WhatsApp Image 2023-05-03 at 12.30.11_1a2b3c4d.jpg", "2023-05-03T12:30:11"),
        ("signal-2019-05-03-123011.jpg", "2019-05-03T12:30:11"),
        ("signal-2023-05-03-12-30-11-123.jpg", "2023-05-03T12:30:11"),
        ("signal-attachment-2019-05-03-123011.jpeg", "2019-05-03T12:30:11"),
        ("photo_2019-05-03_12-30-11.jpg", "2019-05-03T12:30:11"),
        ("photo_12@03-05-2019_12-30-11.jpg", "2019-05-03T12:30:11"),
        ("photo_12@03-05-2019_12-30-11 (2).jpg", "2019-05-03T12:30:11"),
        ("photo_12@03-13-2019_12-30-11.jpg", None),
        ("IMG_20190503_123011_456.jpg", "2019-05-03T12:30:11"),
        ("FB_IMG_1556886611000.jpg", "2019-05-03T12:30:11+00:00"),
        ("mmexport1556886611000.jpg", "2019-05-03T12:30:11+00:00"),
        # Screenshots
        ("Screenshot_20190503-123011.png", "2019-05-03T12:30:11"),
        ("Screenshot_20190503-123011_WhatsApp.jpg", "2019-05-03T12:30:11"),
        ("Screenshot_20190503_123011.png", "2019-05-03T12:30:11"),
        ("Screenshot_2019-05-03-12-30-11-123_com.whatsapp.jpg", "2019-05-03T12:30:11"),
        ("Screenshot_2019-05-03-12-30-11.png", "2019-05-03T12:30:11"),
        ("Screenshot 2019-05-03 at 12.30.11.png", "2019-05-03T12:30:11"),
        ("Screen Shot 2019-05-03 at 9.30.11 PM.png", "2019-05-03T21:30:11"),
        ("Screenshot 2023-05-03 at 12.30.11\u202fAM.png", "2023-05-03T00:30:11"),
        ("Screenshot 2023-05-03 at 9.30.11\u202fPM (2).png", "2023-05-03T21:30:11"),
        ("Capture d\u2019e\u0301cran 2023-05-03 a\u0300 21.30.11.png", "2023-05-03T21:30:11"),
        ("Captura de pantalla 2023-05-03 a la(s) 9.30.11 p.m..png", "2023-05-03T21:30:11"),
        (
            "Captura de pantalla 2023-05-03 a la(s) 12.30.11\u202fa.\u00a0m..png",
            "2023-05-03T00:30:11",
        ),
        ("截屏2023-05-03 下午9.30.11.png", "2023-05-03T21:30:11"),
        ("截圖 2023-05-03 上午12.30.11.png", "2023-05-03T00:30:11"),
        (
            unicodedata.normalize("NFD", "스크린샷 2023-05-03 오후 9.30.11.png"),
            "2023-05-03T21:30:11",
        ),
        ("2019-05-03 12.30.11 Amy.jpg", "2019-05-03T12:30:11"),
        ("צילום מסך 2019-05-03 ב-12.30.11.png", "2019-05-03T12:30:11"),
        ("Bildschirmfoto 2019-05-03 um 12.30.11.png", "2019-05-03T12:30:11"),
        ("Capture d’écran 2019-05-03 à 12.30.11.png", "2019-05-03T12:30:11"),
        ("Captura de pantalla 2019-05-03 a las 12.30.11.png", "2019-05-03T12:30:11"),
        ("Screenshot 2023-05-03 123011.png", "2023-05-03T12:30:11"),
        ("Screenshot from 2019-05-03 12-30-11.png", "2019-05-03T12:30:11"),
        ("Screenshot_2019-05-03_12-30-11.png", "2019-05-03T12:30:11"),
        # People and scanners
        ("2019-05-03 Noa at the beach.jpg", "2019-05-03"),
        ("Noa 2019.05.03.jpg", "2019-05-03"),
        ("20190503.jpg", "2019-05-03"),
        ("3.5.2019.jpg", "2019-05-03"),
        ("יום הולדת 03.05.2019.jpg", "2019-05-03"),
        ("31-05-2019 Noa.jpg", "2019-05-31"),
        ("scan_31_05_2019.jpg", "2019-05-31"),
        ("2019050312301100-0A1B2C3D.jpg", "2019-05-03T12:30:11"),  # Nintendo Switch
        ("1556886611000.jpg", "2019-05-03T12:30:11+00:00"),
        ("scan_20190503.jpg", "2019-05-03"),
        ("1948-05-14 Tel Aviv.jpg", "1948-05-14"),
        ("1890-05-14.jpg", "1890-05-14"),
        # The time is none: then the day.
        ("2019-05-03 IMG_1234.jpg", "2019-05-03"),
        ("2019-05-03 993011.jpg", "2019-05-03"),
        ("IMG_20190503_253011.jpg", "2019-05-03"),
        ("2019-05-03 1234.jpg", "2019-05-03"),
        # The first number is none, the second is a date.
        ("20191399 20190503.jpg", "2019-05-03"),
        # Numbers that are no dates
        ("IMG_1234.jpg", None),
        ("03-05-2019.jpg", None),  # in May or in March
        ("32.05.2019.jpg", None),
        ("1.13.2019.jpg", None),
        ("v1.3.5.2019.jpg", None),
        ("9783161484100.jpg", None),
        ("DSC_0042.jpg", None),
        ("IMG_20191399.jpg", None),
        ("IMG_20190230.jpg", None),
        ("IMG_00010101_000000.jpg", None),
        ("0001-01-01.jpg", None),
        ("00000000_000000.jpg", None),
        ("12345678.jpg", None),
        ("18900514.jpg", None),
        ("1920x1080.jpg", None),
        ("2019.jpg", None),
        ("2019-05.jpg", None),
        ("9720190503.jpg", None),
        ("201905031.jpg", None),
        ("972540190503.jpg", None),
        ("d20190503f98b00b204.jpg", None),
        ("a1b2c320190503123011ff.jpg", None),
        ("received_1015520190503123.jpeg", None),
        ("FB_IMG_99999999999999.jpg", None),
        ("054-2019-0503.jpg", None),
        (f"IMG_{YEAR + 2}0503_123011.jpg", None),
        ("FB_IMG_9999999999999.jpg", None),
        (".jpg", None),
        ("", None),
    ],
)
def test_the_name_of_a_file(name: str, date: str | None) -> None:
    """As phones, messengers and programs write it; other numbers give none."""
    found = of_file(b"/photos/" + name.encode())
    if found is None or date is None:
        assert (found, date) == (None, None)
        return
    assert found.clock.replace(microsecond=0).isoformat().removesuffix(
        "T00:00:00" if found.precision == "day" else "-"
    ) == date  # fmt: skip


@pytest.mark.parametrize(
    ("folder", "date", "precision"),
    [
        ("2019-08 Eilat", "2019-08-01", "month"),
        ("2019_08", "2019-08-01", "month"),
        ("201908", "2019-08-01", "month"),
        ("201908__", "2019-08-01", "month"),
        ("201908_a", "2019-08-01", "month"),
        ("2019-08-03", "2019-08-03", "day"),
        ("2019-08-03 Birthday", "2019-08-03", "day"),
        ("20190803 Birthday", "2019-08-03", "day"),
        ("2019.08.03", "2019-08-03", "day"),
        ("2019", "2019-01-01", "year"),
        ("2019 Eilat", "2019-01-01", "year"),
        ("Eilat 2019", "2019-01-01", "year"),
        ("אילת 2019", "2019-01-01", "year"),
        ("Photos from 2019", "2019-01-01", "year"),
        ("Eilat (2019)", "2019-01-01", "year"),
        ("2019/08", "2019-08-01", "month"),
        ("2019/8", "2019-08-01", "month"),
        ("2019/08 - August", "2019-08-01", "month"),
        ("2019/08/03", "2019-08-03", "day"),
        ("2019-08/03", "2019-08-03", "day"),
        ("2019-08 Eilat/best", "2019-08-01", "month"),
        ("2019/Eilat", "2019-01-01", "year"),
        ("2019/08/03/raw", "2019-08-03", "day"),
        ("2019-08 Eilat/2018-12-31", "2018-12-31", "day"),
        ("Eilat 2019/best", None, None),
        ("2019/a/b/c", None, None),
        ("2019/13", "2019-01-01", "year"),
        ("2019/12 Monkeys on a tree", "2019-01-01", "year"),
        ("August 2019", "2019-08-01", "month"),
        ("AUG. 2019 Eilat", "2019-08-01", "month"),
        ("August, 2019", "2019-08-01", "month"),
        ("August_2019", "2019-08-01", "month"),
        ("2019 August", "2019-08-01", "month"),
        ("2019-Aug Eilat", "2019-08-01", "month"),
        ("Eilat August 2019", "2019-08-01", "month"),
        ("Eilat (August 2019)", "2019-08-01", "month"),
        ("אוגוסט 2019", "2019-08-01", "month"),
        ("באוגוסט 2019 אילת", "2019-08-01", "month"),
        ("אילת, אוגוסט 2019", "2019-08-01", "month"),
        ("2019 מרץ", "2019-03-01", "month"),
        ("août 2019", "2019-08-01", "month"),
        ("agosto de 2019", "2019-08-01", "month"),
        ("август 2019", "2019-08-01", "month"),
        ("May 2019 Eilat", "2019-05-01", "month"),
        ("2019 May", "2019-05-01", "month"),
        ("08 August 2019", "2019-08-01", "month"),
        ("3 August 2019", "2019-08-03", "day"),
        ("3. August 2019 Geburtstag", "2019-08-03", "day"),
        ("3.8.2019 Eilat", "2019-08-03", "day"),
        ("31-08-2019", "2019-08-31", "day"),
        ("Eilat 2019-08-03", "2019-08-03", "day"),
        ("Eilat - 2019-08-03", "2019-08-03", "day"),
        ("Eilat_20190803", "2019-08-03", "day"),
        ("Eilat (3.8.2019)", "2019-08-03", "day"),
        ("אילת 3.8.2019", "2019-08-03", "day"),
        ("Eilat, 31-08-2019", "2019-08-31", "day"),
        ("2019/August", "2019-08-01", "month"),
        ("2019/אוגוסט", "2019-08-01", "month"),
        ("2019/August/Eilat", "2019-08-01", "month"),
        ("2019/August/03", "2019-08-03", "day"),
        ("August 2019/03", "2019-08-03", "day"),
        # The last day of several, a copy, and a folder above
        ("Eilat 1 - 3.8.2019", None, None),
        ("Eilat 1.8-3.8.2019", None, None),
        ("Eilat 2018-12-31 - 2019-01-05", None, None),
        ("Import 2019-08-03", None, None),
        ("Important 2019-08-03", "2019-08-03", "day"),
        ("Eilat 2019-08-03/best", None, None),
        # A person, a march, a year alone, and what is none
        ("2019 May's birthday", "2019-01-01", "year"),
        ("Women's March 2019", "2019-01-01", "year"),
        ("2019 Augusta", "2019-01-01", "year"),
        ("31 February 2019", "2019-02-01", "month"),
        ("Eilat/August", None, None),
        ("August", None, None),
        ("August 2019-2020", None, None),
        (f"August {YEAR + 2}", None, None),
        ("August 2019 backup", None, None),
        ("2019-20", None, None),
        ("2019-2020", None, None),
        ("2018-2019", None, None),
        ("2019-13", None, None),
        ("100CANON", None, None),
        ("100_0803", None, None),
        ("190803", None, None),  # of 2019
        ("199803", "1998-03-01", "month"),
        ("2000D", None, None),
        ("Canon 2000D", None, None),
        ("0001", None, None),
        ("1234", None, None),
        (f"{YEAR + 2}", None, None),
        ("backup 2019", None, None),
        ("2019-08-03 backup", None, None),
        ("גיבוי 2019", None, None),
        ("Takeout 2019-08-03", None, None),
        ("12019", None, None),
        ("", None, None),
    ],
)
def test_the_names_of_folders(folder: str, date: str | None, precision: str | None) -> None:
    """The nearest with a date counts; a year or a month begins with its first instant."""
    found = of_folders(f"/{folder}/IMG_1.jpg".encode())
    assert (found and found.precision) == precision
    assert (found and found.clock.date().isoformat()) == date


def test_only_the_nearest_folders_count() -> None:
    """A folder far above says when a disk was made, not a photo."""
    near = b"/2019-08/" + b"x/" * (FOLDERS - 1) + b"a.jpg"
    assert of_folders(near) is not None
    assert of_folders(near.replace(b"/x", b"/x/x", 1)) is None
    assert of_folders(b"a.jpg") is None
    assert of_folders(b"/2019-08 \xff/a\xff.jpg") is not None  # not UTF-8


NAMED = b"/2018-08 Eilat/IMG_20190503_123011.jpg"
TAKEN: dict[str, Any] = {"taken": "2010-01-01T10:00:00+02:00", "taken_at": 1.0, "taken_from": "xmp"}


@pytest.mark.parametrize(
    ("facts", "paths", "modified", "told"),
    [
        (TAKEN, [NAMED], 5.0, TAKEN),
        ({"taken_at": 9.0, "taken_from": "takeout"}, [NAMED], 5.0,
         {"taken_at": 9.0, "taken_from": "takeout"}),
        ({"taken": None, "taken_at": 9.0}, [NAMED], 5.0, {"taken_at": 9.0}),
        ({**TAKEN, "taken_precision": "day"}, [NAMED], 5.0, {**TAKEN, "taken_precision": "day"}),
        ({**TAKEN, "taken_precision": "?"}, [NAMED], 5.0, TAKEN),
        ({}, [NAMED], 5.0, {"taken": "2019-05-03T12:30:11", "taken_from": "file name"}),
        ({}, [b"/2019-08 Eilat/1.jpg"], 5.0,
         {"taken": "2019-08-01T00:00:00", "taken_from": "folder name", "taken_precision": "month"}),
        ({}, [b"/2019/1.jpg", b"/2018-05-05/2.jpg"], 5.0,
         {"taken": "2018-05-05T00:00:00", "taken_from": "folder name", "taken_precision": "day"}),
        ({}, [b"/2019-05-05/2.jpg", b"/a/IMG-20190503-WA0001.jpg"], 5.0,
         {"taken": "2019-05-03T00:00:00", "taken_from": "file name", "taken_precision": "day"}),
        ({}, [b"/PXL_20210503_093011123.jpg"], 5.0,
         {"taken_at": 1620034211.0, "taken_from": "file name"}),
        ({}, [b"/a.jpg"], 5.0, {"taken_at": 5.0, "taken_from": "modified"}),
        ({}, [b"/a.jpg"], None, None),
        ({}, [], 1e300, None),
    ],
)  # fmt: skip
def test_the_order_of_dates(
    facts: dict[str, Any], paths: list[bytes], modified: float | None, told: dict[str, Any] | None
) -> None:
    """The photo and its sidecars, file names, folder names, the time of modification."""
    found = moment_of(facts, paths, modified)
    if found is None or told is None:
        assert (found, told) == (None, None)
        return
    known = found.facts()
    if "taken" in told and "taken_at" not in told:
        clock = datetime.datetime.fromisoformat(told["taken"])
        assert known.pop("taken_at") == clock.timestamp()
    assert known == told


def test_a_moment_without_a_local_time_counts_by_the_clock_of_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Takeout and GPS tell UTC only; most photos are taken at home."""
    monkeypatch.setenv("TZ", "Asia/Jerusalem")
    time.tzset()
    try:
        late = {"taken_at": 1564783200.0, "taken_from": "takeout"}  # 2019-08-02 22:00 UTC
        found = moment_of(late, [], None)
        assert found is not None
        assert found.clock.isoformat() == "2019-08-03T01:00:00"
        assert found.wall == 1564794000.0
    finally:
        monkeypatch.undo()
        time.tzset()
