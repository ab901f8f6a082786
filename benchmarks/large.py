"""A large library in no time: real paths, sizes, dates and cameras in the catalog.

Everything that looks things up finds what it would find in a library that was indexed photo by
photo; rows are written at once, with indexes and triggers put back afterwards.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from photosd.index.database import Database

PER_FOLDER = 250
FIRST_YEAR, YEARS = 2004, 21
EVENTS = """holiday wedding birthday garden beach sunset mountains snow concert school zoo picnic
museum market harbour river lake forest party graduation hike kitchen puppy cat horse football
camping castle island desert train bridge flowers christmas hanukkah passover easter""".split()  # noqa: SIM905
PLACES = """Eilat Haifa Lisbon Rome Oslo Berlin Vienna Prague Athens Cairo Lima Kyoto Boston Dublin
Zagreb Riga Porto Naples Bergen Turku Leipzig Graz Brno Patras Aswan Cusco Nara Salem""".split()  # noqa: SIM905
PEOPLE = """Noa Dan Maya Yael Omer Tamar Itai Shira Grandma Rose""".split()  # noqa: SIM905
SURNAMES = """Levi Cohen Mizrahi Peretz Katz""".split()  # noqa: SIM905
TAGS = 400  # different ones; some are of thousands of photos
CAMERAS = ("Canon EOS 80D", "NIKON D750", "Pixel 7", "iPhone 13", "SM-G991B", "ILCE-7M3")
COPIES = 20  # one photo in so many has another path


class Row(NamedTuple):
    """One file and what it holds."""

    path: bytes
    size: int
    mtime_ns: int
    inode: int
    device: int
    content: str
    facts: str
    camera: str
    taken_at: float


def rows_of(
    root: Path, count: int, *, on_disk: bool = False, described: bool = False
) -> Iterator[Row]:
    """``count`` photos in years of folders below ``root``; ``on_disk``: empty files of these sizes,
    which take no room; ``described``: with people, tags, places and captions."""
    draw, said = random.Random(24), random.Random(7)
    content = facts = ""
    for number in range(count):
        folder, place = divmod(number, PER_FOLDER)
        if place == 0:
            year, month = FIRST_YEAR + folder % YEARS, 1 + folder // YEARS % 12
            name = f"{year}-{month:02} {draw.choice(EVENTS)} {draw.choice(PLACES)} {folder}"
            directory = root / f"{year}" / name
            begun = (year - 1970) * 31_556_952.0 + month * 2_600_000
            camera = draw.choice(CAMERAS)
            if on_disk:
                directory.mkdir(parents=True, exist_ok=True)
        path = os.fsencode(f"{directory}/IMG_{number:07}.jpg")
        taken_at = begun + place * 60
        size = 2_000_000 + draw.randrange(4_000_000)
        if not content or number % COPIES:
            content = f"{size:x}-{draw.getrandbits(128):032x}"
            facts = (
                f'{{"taken_at":{taken_at},"camera":"{camera}","width":4000,"height":3000,'
                '"format":"JPEG"}'
            )
            if described:
                facts = f"{facts[:-1]},{_description(said, number)}}}"
        mtime_ns, inode, device = int(taken_at * 1e9), number + 1, 1
        if on_disk:
            mtime_ns, inode, device = _make(path, size, mtime_ns)
        yield Row(path, size, mtime_ns, inode, device, content, facts, camera, taken_at)


def _description(draw: random.Random, number: int) -> str:
    """Facts of people, tags, places and a caption, as JSON."""
    names = [f"{draw.choice(PEOPLE)} {draw.choice(SURNAMES)}" for _ in range(draw.randrange(3))]
    frequent = [int(TAGS * draw.random() ** 3) for _ in range(draw.randrange(5))]
    tags = [f"{EVENTS[tag % len(EVENTS)]} {tag // len(EVENTS) or ''}".strip() for tag in frequent]
    facts: dict[str, object] = {"people": list(dict.fromkeys(names)), "tags": tags}
    if number // PER_FOLDER % 4:
        facts |= {"city": PLACES[number // PER_FOLDER % len(PLACES)], "country": "Elsewhere"}
    if number % 10 == 0:
        facts["caption"] = " ".join(draw.choice(EVENTS) for _ in range(12))
    return json.dumps(facts)[1:-1]


def _make(path: bytes, size: int, mtime_ns: int) -> tuple[int, int, int]:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        os.ftruncate(descriptor, size)
        os.utime(descriptor, ns=(mtime_ns, mtime_ns))
        state = os.fstat(descriptor)
        return state.st_mtime_ns, state.st_ino, state.st_dev
    finally:
        os.close(descriptor)


def fill_catalog(database: Database, folder: int, model: str, rows: list[Row]) -> None:
    """Have the catalog say that all of these are indexed, with a vector of ``model``."""
    with database.write() as db:
        found = db.execute(
            "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL AND"
            " type IN ('index', 'trigger') AND tbl_name IN"
            " ('photos', 'contents', 'embedded', 'named')"
        ).fetchall()
        for kind, name, _ in found:
            db.execute(f"DROP {kind} {name}")
        db.executemany(
            "INSERT INTO photos(path, folder, size, mtime_ns, inode, device, content, state)"
            " VALUES(?, ?, ?, ?, ?, ?, ?, 'indexed')",
            ((r.path, folder, r.size, r.mtime_ns, r.inode, r.device, r.content) for r in rows),
        )
        by_content = sorted({row.content: row.facts for row in rows}.items())
        db.executemany("INSERT INTO contents(content, facts) VALUES(?, ?)", by_content)
        db.executemany(
            "INSERT INTO embedded(model, content) VALUES(?, ?)", ((model, c) for c, _ in by_content)
        )
        db.execute("INSERT INTO counts VALUES(?, 'indexed', ?)", (folder, len(rows)))
        db.execute(
            "INSERT INTO named(path, content, key) SELECT path, content, name_key(path) FROM photos"
        )
        db.execute(
            "INSERT INTO names(rowid, name, folders, title, caption, places, tags, people)"
            " SELECT id, name_words(path), folder_words(path), title_words(facts),"
            " caption_words(facts), place_words(facts, place), tag_words(facts),"
            " people_words(facts) FROM named LEFT JOIN contents USING(content)"
        )
        db.execute(
            "INSERT INTO vocabulary SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3,"
            " value ->> 4, count(*) FROM contents, json_each(said_values(facts, place))"
            " GROUP BY 1, 2"
        )
        db.execute(
            "INSERT INTO vocabulary SELECT folder_label(path), folder_of(path), 'folder', '', 1,"
            " count(*) FROM named GROUP BY 1, 2"
        )
        for _, _, statement in found:
            db.execute(statement)
