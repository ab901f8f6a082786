"""``python -m benchmarks.duplicates``: how many copies are found, and how many wrong ones beside.

Photos of caltech101 and flickr8k become groups of copies as people make them: resized, saved in
worse quality, cropped by 5 %, turned by a quarter, and two of these together; among them lie
photos that have no copy. The starter looks at them, and `photosd duplicates --similar` groups them.
"""

from __future__ import annotations

import argparse
import io
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
from PIL import Image

from photosd.decode.pool import Decoded, Pool, Shape
from photosd.encoder.model import WarmModel
from photosd.index.catalog import Catalog
from photosd.index.contents import Contents
from photosd.index.database import Database
from photosd.index.folders import Folders
from photosd.index.shared_resources import SharedResources
from photosd.index.table import Embedding
from photosd.index.vectors import VectorStore
from photosd.index.worklist import WorkList
from photosd.models.spec import STARTER, read_model
from photosd.search.duplicate_groups import Duplicates
from photosd.watch.scanner import Entry
from training.data import data_directory, photos_with_captions, read_rows

STEEPNESS = 60  # of the sizes of groups: most are pairs, some large
TOGETHER = 32  # photos read before they are encoded
KINDS = ("resized", "recompressed", "cropped", "turned", "cropped and turned", "resized again")


class Found(msgspec.Struct):
    """What came of it: of each kind of copy how many there were and how many were found; photos
    in groups, and those among them that are no copy of the group's first."""

    copies: Counter[str]
    found: Counter[str]
    shown: int
    wrong: int
    whole: int  # groups that are complete, and one
    groups: int

    @property
    def recall(self) -> float:
        """The share of all copies that lie in one group with their original."""
        return self.found.total() / self.copies.total()

    @property
    def error(self) -> float:
        """The share of what is shown beside a first photo that is no copy of it."""
        return self.wrong / max(1, self.shown)


def main() -> None:
    """Print the table of docs/adr/0015-similar-photos.md."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.duplicates", description=__doc__)
    parser.add_argument("--groups", type=int, default=200)
    parser.add_argument("--largest", type=int, default=300, help="photos of the largest group")
    parser.add_argument("--single", type=int, default=300, help="photos without a copy")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="use this directory, and what it has already")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        place = args.keep or Path(directory)
        result = measure(place, args.groups, args.largest, args.single, args.seed)
    for kind in KINDS:
        print(f"{kind:20} {result.found[kind]:5} of {result.copies[kind]:5}")
    print(
        f"found {result.recall:.1%}; wrong {result.wrong} of {result.shown} ({result.error:.1%});"
    )
    print(f"groups whole {result.whole} of {result.groups}")


def measure(place: Path, groups: int, largest: int, single: int, seed: int) -> Found:
    """Make the photos in ``place``, look at them and group them."""
    if not (place / "photos").exists():
        write_photos(place / "photos", groups, largest, single, seed)
    library = Library(place)
    try:
        library.index(sorted((place / "photos").iterdir()))
        shown = [
            [Path(one.photo.path.decode()).stem for one in group]
            for _, _, group in library.duplicates().alike()
            if group
        ]
    finally:
        library.close()
    return judged(shown, sorted(file.stem for file in (place / "photos").iterdir()))


def judged(shown: Sequence[Sequence[str]], names: Sequence[str]) -> Found:
    """What groups of names come to; a name is ``original.number.kind``."""
    result = Found(Counter(), Counter(), 0, 0, 0, 0)
    sizes = Counter(name.partition(".")[0] for name in names)
    best: dict[str, Counter[str]] = {}  # of each original, the kinds in the group that has most
    for group in shown:
        first = group[0].partition(".")[0]
        same = [name for name in group if name.partition(".")[0] == first]
        result.shown += len(group) - 1
        result.wrong += len(group) - len(same)
        if len(same) > best.get(first, Counter()).total():
            best[first] = Counter(name.split(".")[2] for name in same)
    for name in names:
        original, _, rest = name.partition(".")
        if sizes[original] > 1 and not rest.endswith("original"):
            result.copies[rest.split(".")[1]] += 1
    for original, kinds in best.items():
        result.whole += kinds.total() == sizes[original] > 1
        if not kinds["original"]:  # then its first counts as the original: it is not found itself
            kinds[next(iter(kinds))] -= 1
        result.found += Counter({kind: n for kind, n in kinds.items() if kind != "original"})
    result.groups = sum(1 for size in sizes.values() if size > 1)
    return result


def write_photos(place: Path, groups: int, largest: int, single: int, seed: int) -> None:
    """Half of the originals from either data set, no two the same; and their copies."""
    generator = np.random.default_rng(seed)
    objects = read_rows(sorted(data_directory().glob("caltech101-*.parquet")))
    people = photos_with_captions()["test"]
    half = (groups + single + 1) // 2
    rows = [
        rows[one] for rows in (objects, people) for one in generator.permutation(len(rows))[:half]
    ]
    place.mkdir(parents=True)
    for number, choice in enumerate(generator.permutation(len(rows))[: groups + single]):
        with Image.open(io.BytesIO(rows[choice].image)) as picture:
            rgb = picture.convert("RGB")
        (place / f"{number:04}.000.original.jpg").write_bytes(rows[choice].image)
        share = number / max(1, groups - 1)
        size = round(2 * (largest / 2) ** share**STEEPNESS) if number < groups else 1
        for copy in range(1, size):
            kind = KINDS[(number + copy) % len(KINDS)]
            changed, quality = _changed(rgb, kind, generator)
            changed.save(place / f"{number:04}.{copy:03}.{kind}.jpg", quality=quality)


def _changed(
    picture: Image.Image, kind: str, generator: np.random.Generator
) -> tuple[Image.Image, int]:
    """A copy, and the quality to save it in."""
    width, height = picture.size
    quality = int(generator.integers(70, 95))
    if kind == "recompressed":
        return picture, int(generator.integers(30, 70))
    if kind.startswith("resized"):
        scale = 0.5 if kind == "resized again" else generator.uniform(0.5, 0.9)
        small = (round(width * scale), round(height * scale))
        return picture.resize(small, Image.Resampling.BICUBIC), 70 if scale == 0.5 else quality
    if kind.startswith("cropped"):
        left, top = (generator.uniform(0, 0.05) * side for side in (width, height))
        box = (int(left), int(top), int(left + 0.95 * width), int(top + 0.95 * height))
        picture = picture.crop(box)
    if kind.endswith("turned"):
        turn = Image.Transpose.ROTATE_90 if generator.random() < 0.5 else Image.Transpose.ROTATE_270
        picture = picture.transpose(turn)
    return picture, quality


class Library:
    """A library in one directory, without a daemon: its catalog, its vectors and its decoders."""

    def __init__(self, place: Path) -> None:
        self._spec = read_model(STARTER)
        database = Database(place / "catalog.sqlite3")
        self._pool = Pool(2)
        self._pool.start()
        folders, catalog = Folders(database, place / "folders.json"), Catalog(database)
        self._shared = SharedResources(
            place / "index", database, catalog, Contents(database), folders, self._pool,
            lambda _path: None,
        )  # fmt: skip
        with database.write() as db:
            where = str(place / "photos").encode()
            db.execute(
                "INSERT OR IGNORE INTO folders(id, path, state) VALUES(1, ?, 'ok')", (where,)
            )
        self._store = VectorStore(place / "index", self._spec.fingerprint, self._spec.dimension)
        self._store.open()

    def index(self, files: Sequence[Path]) -> None:
        """Read and encode those that it does not know."""
        unknown = [one for one in files if self._shared.catalog.get(str(one).encode()) is None]
        if not unknown:
            return
        model, shape = (
            WarmModel(self._spec, STARTER, lambda _: None),
            Shape.of(self._spec.preprocess),
        )
        for start in range(0, len(unknown), TOGETHER):
            part = [str(one).encode() for one in unknown[start : start + TOGETHER]]
            futures = [self._pool.decode(path, shape) for path in part]
            self._keep(part, [future.result(120) for future in futures], model)

    def _keep(self, paths: Sequence[bytes], photos: Sequence[Decoded], model: WarmModel) -> None:
        vectors = model.encode_images(np.concatenate([one.pixels for one in photos]))
        ends = np.cumsum([len(one.pixels) for one in photos])[:-1]
        kept = {
            one.content_id: Embedding(one.content_id, tiles, {}, (path,))
            for path, one, tiles in zip(paths, photos, np.split(vectors, ends), strict=True)
        }
        self._store.commit(list(kept.values()))
        with self._shared.database.write():
            for path, one in zip(paths, photos, strict=True):
                facts = msgspec.to_builtins(one.facts)
                self._shared.contents.record(self._spec.fingerprint, [(one.content_id, facts)])
                entry = Entry(path, one.size, one.mtime_ns, one.inode, one.device)
                self._shared.catalog.put(1, entry, due=0)
                WorkList(self._shared.database).done([(entry, one.content_id)])

    def duplicates(self) -> Duplicates:
        """Duplicates in the whole library."""
        return Duplicates(self._shared, self._store, self._spec.fingerprint, None)

    def close(self) -> None:
        """End its decoders."""
        self._pool.stop()
        self._shared.database.close()


if __name__ == "__main__":
    main()
