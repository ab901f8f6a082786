"""``python -m benchmarks.metadata``: what reading metadata costs, and how soon sidecars count.

The first is the share of processor time that the facts take of indexing a 12-megapixel JPEG with
much metadata: read, decoded and encoded by the starter. The second: all sidecars of a folder change
at once; seconds until the facts of all photos have changed. Its library is made up, which takes
seconds (``made_s``) and is not part of them.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import sqlite3
import statistics
import struct
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import psutil
from PIL import Image

from benchmarks.bench import BenchDaemon, running
from benchmarks.large import Row, fill_catalog
from benchmarks.photos import make_photos
from benchmarks.whole import fill_index
from photosd.decode import facts, opening, pixels, reading
from photosd.decode.limits import DecodeLimits
from photosd.decode.messages import Shape
from photosd.encoder.model import WarmModel
from photosd.index.database import Database
from photosd.index.folders import Folders
from photosd.models.spec import STARTER, read_model
from photosd.watch.ignore import IgnoreRules
from photosd.watch.scanner import scan

T = TypeVar("T")

TURNS = 15
TAGS, SETTINGS, STEPS, FACES = 20, 250, 30, 5  # in the XMP of one edited photo
RATING = 5
FACTS = '{"rating":1}'
LOOK_SECONDS = 1.0  # each look takes a while
WAIT_SECONDS = 300.0  # then those that are right are counted
SPACES = {
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "dc": "http://purl.org/dc/elements/1.1/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "lr": "http://ns.adobe.com/lightroom/1.0/",
    "crs": "http://ns.adobe.com/camera-raw-settings/1.0/",
    "xmpMM": "http://ns.adobe.com/xap/1.0/mm/",
    "mwg-rs": "http://www.metadataworkinggroup.com/schemas/regions/",
}


def main() -> None:
    """Print both as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.metadata", description=__doc__)
    parser.add_argument("--sidecars", type=int, default=20_000, help="0: only the cost of facts")
    args = parser.parse_args()
    found: dict[str, Any] = {"facts": cost()}
    if args.sidecars:
        found["sidecars"] = sidecars(args.sidecars)
    print(json.dumps(found, indent=1))


def cost() -> dict[str, float]:
    """Milliseconds of processor time of each step, medians, and the share of the facts."""
    limits, spec = DecodeLimits().resolved(), read_model(STARTER)
    opening.configure(limits)
    shape, model = Shape.of(spec.preprocess), WarmModel(spec, STARTER, lambda _: None)
    steps: dict[str, list[float]] = {"read": [], "decode": [], "facts": [], "encode": []}
    with tempfile.TemporaryDirectory(prefix="photosd-bench-") as directory:
        file = bytes(_edited(Path(directory)))
        for _ in range(TURNS):
            data, _ = _timed(steps["read"], reading.read, file, limits)
            picture = opening.open_picture(data, limits)
            tiles = _timed(steps["decode"], pixels.squares, picture, shape)
            _timed(steps["facts"], facts.of, picture)
            batch = np.frombuffer(b"".join(tiles), np.uint8)
            batch = batch.reshape(len(tiles), shape.size, shape.size, 3)
            _timed(steps["encode"], model.encode_images, batch)
    found = {name: round(1000 * statistics.median(times), 2) for name, times in steps.items()}
    return {**found, "share": round(found["facts"] / sum(found.values()), 4)}


def _timed(times: list[float], work: Callable[..., T], *arguments: Any) -> T:
    begun = time.process_time()
    result = work(*arguments)
    times.append(time.process_time() - begun)
    return result


def _edited(directory: Path) -> Path:
    """A JPEG as a camera and an editor leave it: EXIF, XMP of about 11 kB, IPTC."""
    make_photos(directory, 1)
    (file,) = directory.iterdir()
    exif = Image.Exif()
    exif.update({0x010F: "Canon", 0x0110: "Canon EOS 6D", 0x0132: "2023:11:14 23:13:20"})
    exif.get_ifd(0x8769).update({0x9003: "2023:11:14 23:13:20", 0x9291: "12", 0xA434: "50mm f/1.8"})
    place = {1: "N", 2: (31.0, 30.0, 36.0), 3: "E", 4: (34.0, 45.0, 0.0)}
    exif.get_ifd(0x8825).update({**place, 7: (21.0, 13.0, 20.0), 0x1D: "2023:11:14"})
    tags = [f"tag number {number}" for number in range(TAGS)]
    words = b"".join(b"\x1c\x02\x19" + struct.pack(">H", len(tag)) + tag.encode() for tag in tags)
    block = b"Photoshop 3.0\x008BIM\x04\x04\0\0" + struct.pack(">I", len(words)) + words + b"\0"
    buffer = io.BytesIO()
    with Image.open(file) as picture:
        picture.save(buffer, "JPEG", quality=92, exif=exif, xmp=_packet(tags))
    data = buffer.getvalue()
    segment = b"\xff\xed" + struct.pack(">H", len(block) + 2) + block
    file.write_bytes(data[:2] + segment + data[2:])
    return file


def _packet(tags: list[str]) -> bytes:
    spaces = " ".join(f'xmlns:{name}="{uri}"' for name, uri in SPACES.items())
    settings = " ".join(f'crs:Setting{number}="{number}"' for number in range(SETTINGS))
    steps = '<rdf:li xmpMM:action="saved" xmpMM:when="2020-01-01T00:00:00"/>' * STEPS
    faces = "".join(
        f'<rdf:li><rdf:Description mwg-rs:Name="Name {number}" mwg-rs:Type="Face"/></rdf:li>'
        for number in range(FACES)
    )
    body = (
        f"<xmpMM:History><rdf:Seq>{steps}</rdf:Seq></xmpMM:History>"
        '<mwg-rs:Regions rdf:parseType="Resource"><mwg-rs:RegionList><rdf:Bag>'
        f"{faces}</rdf:Bag></mwg-rs:RegionList></mwg-rs:Regions><dc:title>Title</dc:title>"
        f"<dc:subject><rdf:Bag>{''.join(f'<rdf:li>{tag}</rdf:li>' for tag in tags)}</rdf:Bag>"
        "</dc:subject><lr:hierarchicalSubject><rdf:Bag>"
        f"{''.join(f'<rdf:li>Places|Israel|{tag}</rdf:li>' for tag in tags)}"
        "</rdf:Bag></lr:hierarchicalSubject>"
    )
    return (
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF {spaces}><rdf:Description {settings}>'
        f"{body}</rdf:Description></rdf:RDF></x:xmpmeta>"
    ).encode()


def sidecars(count: int) -> dict[str, float]:
    """Seconds to make the library, to write so many sidecars, and from the last until the facts of
    all are right; how much processor time it took since the first, and how many photos were
    encoded meanwhile.
    """
    begun = time.monotonic()
    with running(fill=lambda home: _fill(home, count)) as daemon:
        folder = daemon.home / "photos"
        daemon.wait_ready(seconds=WAIT_SECONDS)
        _compared(daemon)
        daemon.wait_calm()
        made = time.monotonic() - begun
        encoded = daemon.status()["encoder"]["images_encoded"]
        busy = _cpu_seconds(daemon)
        begun = time.monotonic()
        _write(folder, count, RATING)
        written = time.monotonic()
        while (right := _right(daemon)) < count and time.monotonic() < written + WAIT_SECONDS:
            time.sleep(LOOK_SECONDS)
        done = time.monotonic()
        used = {name: cpu - busy.get(name, 0.0) for name, cpu in _cpu_seconds(daemon).items()}
        encoded = daemon.status()["encoder"]["images_encoded"] - encoded
    return {
        "photos": count,
        "made_s": round(made, 1),
        "written_s": round(written - begun, 1),
        "right": right,
        "right_s": round(done - written, 1),
        "daemon_cpu_s": round(used.pop("daemon"), 1),
        "workers_cpu_s": round(sum(used.values()), 1),
        "encoded": encoded,
    }


def _compared(daemon: BenchDaemon) -> None:
    with daemon.client() as client:
        for _ in client.stream("rescan", {"wait": True}):
            pass


def _fill(home: Path, count: int) -> None:
    """Small files, each with a sidecar, and the catalog and index as if all had been indexed."""
    photos = home / "photos"
    photos.mkdir()
    for number in range(count):
        (photos / f"{number:06}.jpg").write_bytes(b"%06d" % number)
    _write(photos, count, 1)
    spec = read_model(STARTER)
    found = scan(bytes(photos), None, IgnoreRules(bytes(photos)))
    entries = {entry.path: entry for entry in found}
    rows = [
        Row(*entry[:5], f"6-{number:032x}", FACTS, "", 0.0)
        for number, entry in enumerate(entries.values())
    ]
    (home / "state").mkdir(mode=0o700)
    database = Database(home / "state" / "catalog.sqlite3")
    place = Folders(database, home / "config" / "folders.json").add(bytes(photos))
    fill_catalog(database, place.id, spec.fingerprint, rows)
    with database.write() as db:
        db.executemany(
            "INSERT INTO sidecars(path, facts, content) VALUES(?, ?, ?)",
            ((row.path, FACTS, row.content) for row in rows),
        )
        db.executemany(
            "UPDATE photos SET sidecar = ?, place = device, access = ? WHERE path = ?",
            ((entry.sidecar, entry.access, path) for path, entry in entries.items()),
        )
        db.execute("UPDATE contents SET own = '{}', unplaced = 0, place = '{}'")
    database.close()
    fill_index(home / "state" / "index", spec.fingerprint, spec.dimension, rows)


def _cpu_seconds(daemon: BenchDaemon) -> dict[str, float]:
    """Processor time so far of the daemon, and of each running process that it started."""
    process = psutil.Process(daemon.process.pid)
    found = {}
    for one in (process, *process.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            times = one.cpu_times()
            name = "daemon" if one is process else f"{one.pid} {one.create_time()}"
            found[name] = times.user + times.system
    return found


def _write(folder: Path, count: int, stars: int) -> None:
    """A sidecar for each, as programs write them: in place of the former one."""
    spaces = f'xmlns:rdf="{SPACES["rdf"]}" xmlns:xmp="{SPACES["xmp"]}"'
    text = f'<rdf:RDF {spaces}><rdf:Description xmp:Rating="{stars}"/></rdf:RDF>'
    for number in range(count):
        file = folder / f"{number:06}.jpg.xmp"
        new = file.with_suffix(".new")
        new.write_text(text)
        new.rename(file)


def _right(daemon: BenchDaemon) -> int:
    """The number of contents with the new rating."""
    place = f"file:{daemon.home / 'state' / 'catalog.sqlite3'}?mode=ro"
    with contextlib.closing(sqlite3.connect(place, uri=True)) as db:
        statement = "SELECT count(*) FROM contents WHERE json_extract(facts, '$.rating') = ?"
        return int(db.execute(statement, (RATING,)).fetchone()[0])


if __name__ == "__main__":
    main()
