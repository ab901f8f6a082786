"""Filters of a question: what photos must have, by their looks as by their names."""

from __future__ import annotations

import datetime
import time
from pathlib import Path
from typing import Any, cast

import pytest

from photosd.core.errors import BadRequest, EncoderUnavailable, FolderError, NotFound
from photosd.protocol.requests import QueryParams, Term, Where
from tests.search.library import Library


def moment(text: str) -> float:
    return datetime.datetime.fromisoformat(text).timestamp()


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """Photos of four looks; those of axis 3 answer "abc" best."""
    library = Library(tmp_path)
    canon: dict[str, Any] = {"camera": "Canon EOS 6D", "format": "JPEG", "width": 30, "height": 20}
    phone: dict[str, Any] = {"camera": "Apple iPhone 15", "format": "HEIF", "width": 2, "height": 3}
    haifa: dict[str, Any] = {"latitude": 32.82, "longitude": 34.99}
    with library.together():
        library.add("/p/trips/eilat/a.jpg", 3, taken_at=moment("2019-07-01"), **canon, rating=5)
        library.add("/p/trips/b.jpg", 3, taken_at=moment("2021-01-05"), **phone, **haifa)
        library.add("/p/home/c.jpg", 2, taken_at=moment("2021-07-05"), **phone, rating=2)
        library.add("/p/home/eilat.jpg", 0, taken_at=moment("2023-07-05"), **canon)
    return library


def found(library: Library, text: str, **where: Any) -> set[str]:
    answer = library.engine().query(QueryParams(text, where=cast("Where", where)))
    return {hit["path"].removeprefix("/p/") for hit in answer["hits"]}


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({"below": ["/p/trips"]}, {"trips/eilat/a.jpg", "trips/b.jpg"}),
        ({"below": ["/p/home/", "/p/trips/eilat"]}, {"trips/eilat/a.jpg", "home/c.jpg", "home/eilat.jpg"}),  # noqa: E501
        ({"below_b64": ["L3AvaG9tZQ=="]}, {"home/c.jpg", "home/eilat.jpg"}),
        ({"since": "2021"}, {"trips/b.jpg", "home/c.jpg", "home/eilat.jpg"}),
        ({"until": "2021"}, {"trips/eilat/a.jpg", "trips/b.jpg", "home/c.jpg"}),
        ({"since": "summer 2021", "until": "summer 2021"}, {"home/c.jpg"}),
        ({"since": moment("2021-07-05"), "until": moment("2023-07-05")}, {"home/c.jpg"}),
        ({"camera": "IPHONE"}, {"trips/b.jpg", "home/c.jpg"}),
        ({"near": (32.8, 35.0, 10)}, {"trips/b.jpg"}),
        ({"formats": [".HEIC"]}, {"trips/b.jpg", "home/c.jpg"}),
        ({"formats": ["heif", "png"]}, {"trips/b.jpg", "home/c.jpg"}),
        ({"rating": 2}, {"trips/eilat/a.jpg", "home/c.jpg"}),
        ({"orientation": "portrait"}, {"trips/b.jpg", "home/c.jpg"}),
        ({"camera": "iphone", "since": "2021-06"}, {"home/c.jpg"}),
    ],
)  # fmt: skip
def test_only_what_passes_is_found(
    library: Library, where: dict[str, Any], expected: set[str]
) -> None:
    """Each filter, and two together."""
    assert found(library, "abc", **where) == expected


@pytest.mark.parametrize("zone", ["UTC", "Asia/Jerusalem", "America/Los_Angeles"])
def test_a_photo_is_of_the_day_that_its_own_clock_showed(
    tmp_path: Path, zone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever the daemon runs, with an offset as without; `--until` has all of a day in it."""
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        library = Library(tmp_path)
        for name, taken in (
            ("jerusalem", "2020-01-01T00:30:00+02:00"),
            ("hawaii", "2019-12-31T23:30:00-10:00"),
            ("somewhere", "2019-12-31T23:59:59"),
        ):
            unix = datetime.datetime.fromisoformat(taken).timestamp()
            library.add(f"/p/{name}.jpg", 3, taken=taken, taken_at=unix)
        assert found(library, "abc", since="2020") == {"jerusalem.jpg"}
        assert found(library, "abc", until="20191231") == {"hawaii.jpg", "somewhere.jpg"}
        assert found(library, "abc", since="2020-01-01", until="2020-W01") == {"jerusalem.jpg"}
        midnight = moment("2020-01-01")
        assert found(library, "abc", since=midnight) == {"jerusalem.jpg"}
        hits = library.engine().query(QueryParams("abc", where=Where(since="2020")))["hits"]
        assert [hit["taken"] for hit in hits] == ["2020-01-01T00:30:00+02:00"]
        library.encoder.error = EncoderUnavailable("dead", remedy="wait")
        assert found(library, "2020") == {"jerusalem.jpg"}
    finally:
        monkeypatch.undo()
        time.tzset()


def test_names_are_filtered_as_well(library: Library) -> None:
    """With an encoder and without."""
    assert found(library, "eilat", below=["/p/home"]) == {"home/eilat.jpg", "home/c.jpg"}
    library.encoder.error = EncoderUnavailable("dead", remedy="wait")
    assert found(library, "eilat jpg", camera="canon", since="2023") == {"home/eilat.jpg"}


def test_a_copy_elsewhere_does_not_show(library: Library) -> None:
    """The hit is the path inside the folder."""
    library.copy("/p/home/c.jpg", "/p/aaa.jpg")
    assert found(library, "abc", below=["/p/home"]) == {"home/c.jpg", "home/eilat.jpg"}


def test_nothing_that_passes_is_said(library: Library) -> None:
    """Not an error: what was asked makes sense."""
    answer = library.engine().query(QueryParams("abc", where=Where(formats=["png"])))
    assert (answer["hits"], answer["convincing"]) == ([], False)
    assert answer["warnings"] == ["no photo passes these filters"]


def test_an_unknown_camera_is_said_with_similar_ones(library: Library) -> None:
    """Not an error, as photos of it may come; nor is one that other filters exclude."""

    def warnings(camera: str, kind: str = "png") -> list[str]:
        where = Where(camera=camera, formats=[kind])
        return library.engine().query(QueryParams("abc", where=where))["warnings"]

    none = "no photo passes these filters"
    every = "list all: photosd facets --kind camera"
    assert warnings("Cannon") == [
        none, f"no photo is from a camera 'Cannon'; did you mean 'Canon EOS 6D'? To {every}"
    ]  # fmt: skip
    assert warnings("zzzz") == [none, f"no photo is from a camera 'zzzz'; to {every}"]
    assert warnings("canon") == [none] and warnings("canon", "jpeg") == []


def test_the_next_page_is_filtered_too(library: Library) -> None:
    """A cursor remembers what was asked."""
    engine = library.engine()
    first = engine.query(QueryParams("abc", 1, where=Where(below=["/p/home"])))
    second = engine.query(QueryParams(cursor=first["cursor"], limit=5))
    assert [hit["path"] for hit in second["hits"]] == ["/p/home/eilat.jpg"]


def test_others_than_the_picture_itself(library: Library) -> None:
    """What is similar to a photo, without its copies."""
    library.copy("/p/trips/b.jpg", "/p/copy of b.jpg")
    term = Term(path="/p/trips/b.jpg")
    hits = library.engine().query(QueryParams(terms=[term], others=True))["hits"]
    assert [hit["path"] for hit in hits][:1] == ["/p/trips/eilat/a.jpg"] and len(hits) == 3


@pytest.mark.parametrize(
    "where",
    [
        Where(since="yesteryear"),
        Where(since="2020", until="2019"),
        Where(since="before 2019"),
        Where(until="since 2019"),
        Where(since="03/04/2020"),
        Where(since=1e300),
        Where(near=(91, 0, 1)),
        Where(near=(0, 0, 0)),
        Where(near=(float("nan"), 0, 1)),
        Where(formats=["docx"]),
        Where(below=["relative"]),
    ],
)
def test_filters_without_sense_are_refused(library: Library, where: Where) -> None:
    """With what to write instead."""
    with pytest.raises(BadRequest) as caught:
        library.engine().query(QueryParams("abc", where=where))
    assert caught.value.remedy


def test_a_directory_without_photos_is_refused(library: Library, tmp_path: Path) -> None:
    """A typing error must not look like an honest answer; the reason and the remedy are told."""
    (watched := tmp_path / "watched").mkdir()
    (watched / "new").mkdir()
    (watched / "x.txt").touch()
    with library.database.write() as db:
        db.execute("INSERT INTO folders(id, path, state) VALUES(9, ?, 'ok')", (bytes(watched),))
    for directory, why, remedy in (
        ("/p/tripps", "no such folder: /p/tripps", "check the spelling"),
        ("/elsewhere", "no such folder", "check the spelling"),
        ("/u/tripps", "no photos in /u/tripps", "photosd index"),  # its disk is away
        (str(tmp_path), "not in a watched folder", f"photosd add '{tmp_path}'"),
        (str(watched / "new"), f"there are no photos in {watched}/new", "photosd index --wait"),
        (str(watched / "x.txt"), "x.txt is not a folder", "name the folder"),
    ):
        with pytest.raises(NotFound, match=why) as caught:
            found(library, "abc", below=[directory])
        assert remedy in (caught.value.remedy or ""), directory


def test_a_link_to_a_directory_is_that_directory(tmp_path: Path) -> None:
    """In a filter, as a picture's folder, and from outside; what is known needs no disk."""
    photos = tmp_path / "photos"
    (photos / "2024").mkdir(parents=True)
    (photos / "2024/x.jpg").write_bytes(b"x")
    (photos / "latest").symlink_to("2024")
    (tmp_path / "outside").symlink_to(photos / "latest")
    (tmp_path / "x.jpg").symlink_to(photos / "2024/x.jpg")
    library = Library(tmp_path / "home")
    with library.database.write() as db:
        db.execute("UPDATE folders SET path = ? WHERE id = 1", (bytes(photos),))
    library.add(f"{photos}/2024/x.jpg", 3)
    library.add(f"{photos}/2023/y.jpg", 3)
    library.add(f"{photos}/away/z.jpg", 3)
    for folder in (photos / "latest", tmp_path / "outside", photos / "2024"):
        answer = library.engine().query(QueryParams("abc", where=Where(below=[str(folder)])))
        assert [hit["path"] for hit in answer["hits"]] == [f"{photos}/2024/x.jpg"], folder
    for picture in (photos / "latest/x.jpg", tmp_path / "outside/x.jpg", tmp_path / "x.jpg"):
        terms = [Term(path=str(picture))]
        hits = library.engine().query(QueryParams(terms=terms, others=True))["hits"]
        assert f"{photos}/2024/x.jpg" not in [hit["path"] for hit in hits] and len(hits) == 2, (
            picture
        )
    assert library.pool.read == []
    assert library.folders.real(f"{photos}/away".encode()) == f"{photos}/away".encode()
    with pytest.raises(
        FolderError, match=f"{photos}/latest leads to {photos}/2024, which is inside"
    ):
        library.folders.add(f"{photos}/latest".encode())
