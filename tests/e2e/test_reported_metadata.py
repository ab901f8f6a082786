"""What people reported of other programs, replayed: dates, tags, people and places of real files.

Each photo is found by what its metadata says, through a whole daemon.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from photosd.core.paths import Home
from tests.decode.pictures import jpeg, scene
from tests.decode.test_facts import exif_of
from tests.decode.test_words_of_photos import (
    dataset,
    listed,
    packet,
    takeout_json,
    with_iptc,
)
from tests.household.daemon import StandInDaemon

ORIGINAL, DIGITIZED, CHANGED = 0x9003, 0x9004, 0x0132
OFFSET, OFFSET_ORIGINAL = 0x9010, 0x9011


def dated(details: dict[int, object], main: dict[int, object] | None = None) -> bytes:
    """A JPEG with these EXIF tags."""
    return jpeg(scene(64, 48), exif=exif_of(details, main))


XAP = packet(
    listed("dc:subject", "alpacas") + listed("lr:hierarchicalSubject", "Animals|llamas")
).encode()
TAKEN: dict[str, tuple[bytes, str]] = {
    # immich#5714: hour 24 after midnight
    "hour 24.jpg": (dated({ORIGINAL: "2015:08:22 24:08:19"}), "2015-08-22T00:08:19"),
    # immich#15752: a zone inside the field
    "zone.jpg": (
        dated({ORIGINAL: "2025:01:14 18:31:30+0300", OFFSET_ORIGINAL: "+03:00"}),
        "2025-01-14T18:31:30+03:00",
    ),
    # immich#28742, #20839: OffsetTime alone, and beside OffsetTimeOriginal
    "lightroom.jpg": (
        dated({ORIGINAL: "2021:06:05 10:00:00", OFFSET: "+05:00"}),
        "2021-06-05T10:00:00+05:00",
    ),
    "two offsets.jpg": (
        dated({ORIGINAL: "2021:06:05 10:00:00", OFFSET: "+05:00", OFFSET_ORIGINAL: "+02:00"}),
        "2021-06-05T10:00:00+02:00",
    ),
    # immich#12862: zeros beside a good date
    "zeros.jpg": (
        dated({ORIGINAL: "0000:00:00 00:00:00", DIGITIZED: "2011:01:01 10:00:00"}),
        "2011-01-01T10:00:00",
    ),
    "changed.jpg": (dated({}, {CHANGED: "2012:02:02 10:00:00"}), "2012-02-02T10:00:00"),
    # LibrePhotos#416: WhatsApp leaves the day in the name
    "IMG-20190503-WA0001.jpg": (jpeg(scene(48, 64)), "2019-05-03T00:00:00"),
}


@pytest.fixture
def running(home: Home) -> Iterator[StandInDaemon]:
    daemon = StandInDaemon(home)
    yield daemon
    daemon.stop()


def soon(true: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + 60
    while not true():
        assert time.monotonic() < until, what
        time.sleep(0.1)


def test_reports_of_other_programs(running: StandInDaemon) -> None:
    """Dates of rows 4 to 8, tags of row 10, a sidecar of row 9, questions of row 15."""
    photos = running.home.state.parent.resolve() / "photos"
    photos.mkdir()
    for name, (data, _) in TAKEN.items():
        (photos / name).write_bytes(data)
    # immich#30319: Takeout numbers its files otherwise than the photos
    (photos / "2025-04-28(3516).jpg").write_bytes(jpeg(scene(50, 60)))
    (photos / "2025-04-28.jpg.supplemental-metadata(3516).json").write_bytes(
        takeout_json(people=[{"name": "Noa"}])
    )
    # immich#28015, #30740: words that are only in one of the places
    segment = b"http://ns.adobe.com/xap/1.0/\0" + XAP
    data = with_iptc(dataset(25, b"vicunas"))
    data = data[:2] + b"\xff\xe1" + (len(segment) + 2).to_bytes(2) + segment + data[2:]
    (photos / "words.jpg").write_bytes(data)
    eilat = packet("", 'photoshop:City="Eilat" photoshop:Country="Israel"')
    (photos / "place.jpg").write_bytes(jpeg(scene(70, 60), xmp=eilat.encode()))
    (photos / "place.json").write_text('{"a recipe": 1}')
    running.wait_until()
    running.index(photos)
    with running.client() as client:

        def shown(name: str) -> dict[str, Any]:
            found: dict[str, Any] = client.call("show", {"path": str(photos / name)})["facts"]
            return found

        def found(text: str = "", **where: Any) -> list[str]:
            params: dict[str, Any] = {"text": text or "a photo", "limit": 50, "all": True}
            answer = client.call("query", params | ({"where": where} if where else {}))
            return [Path(hit["path"]).name for hit in answer["hits"]]

        for name, (_, clock) in TAKEN.items():
            assert shown(name)["taken"] == clock, name
            assert name in found(since=clock[:10], until=clock[:10]), name
        assert shown("2025-04-28(3516).jpg")["taken_from"] == "takeout"
        assert shown("zeros.jpg")["refused_dates"] == ["exif original: 0000:00:00 00:00:00 (zeros)"]
        assert found(since="2019-05-03", until="2019-05-03") == [
            name for name in found() if name in ("2025-04-28(3516).jpg", "IMG-20190503-WA0001.jpg")
        ]
        # immich#25152: a rating that is changed later, in the sidecar alone
        for stars in (5, 2):
            rated = packet("", f'xmp:Rating="{stars}"')
            (photos / "words.xmp").write_text(rated)
            for _ in client.stream("rescan", {"wait": True}):
                pass
            sidecars = client.call("show", {"path": str(photos / "words.jpg")})["sidecars"]
            assert [Path(one["path"]).name for one in sidecars] == ["words.xmp"]
            soon(lambda s=stars: (found(rating=4) == ["words.jpg"]) == (s == 5), str(stars))  # type: ignore[misc]
        for word in ("alpacas", "llamas", "animals", "vicunas"):
            assert found(word)[0] == "words.jpg", word
        # immich#15973, #12847, ente#5074: people, places and dates in a question
        assert found("Noa at the beach")[0] == "2025-04-28(3516).jpg"
        assert found("beach in Eilat")[0] == "place.jpg"
        assert set(found("June 2021")[:2]) == {"lightroom.jpg", "two offsets.jpg"}
