"""Facts that photos state about themselves; wrong and damaged ones cost single facts only."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image
from PIL.TiffImagePlugin import IFDRational

from photosd.decode import facts, opening, sidecar_files, xmp
from photosd.decode.messages import Facts, SidecarFacts
from photosd.watch.scanner import sidecar_of
from photosd.watch.sidecar_stamps import files_of
from tests.decode.pictures import LIMITS, jpeg, scene, write

NOON = 1_700_000_000.0  # 2023-11-14 22:13:20 UTC


def exif_of(details: dict[int, object], main: dict[int, object] | None = None) -> Image.Exif:
    """EXIF with these tags in its main and its detail directory."""
    exif = Image.Exif()
    exif.update(main or {})
    exif.get_ifd(ExifTags.IFD.Exif).update(details)
    return exif


def facts_of(data: bytes) -> Facts:
    """The facts of these bytes."""
    picture = opening.open_picture(data, LIMITS)
    picture.load((64, 64))
    return facts.of(picture)


def beside(photo: Path) -> SidecarFacts:
    """The facts in the files beside this photo."""
    path = bytes(photo)
    return facts.of_sidecars(list(files_of(path, sidecar_of(path, None))))


def xmp_packet(body: str) -> bytes:
    """An XMP packet with these properties as attributes."""
    return (
        '<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description xmlns:xmp="http://ns.adobe.com/xap/1.0/" '
        'xmlns:exif="http://ns.adobe.com/exif/1.0/" '
        f'xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" {body}'
        '</rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    ).encode()


def test_date_camera_lens_place_and_rating_are_read() -> None:
    """All of them from one ordinary photo."""
    exif = exif_of(
        {0x9003: "2023:11:14 23:13:20", 0x9011: "+01:00", 0xA434: "50mm f/1.8"},
        {0x010F: "Canon", 0x0110: "Canon EOS 6D", 0x4746: 4},
    )
    exif.get_ifd(ExifTags.IFD.GPSInfo).update(
        {1: "S", 2: (31.0, 30.0, 36.0), 3: "E", 4: (34.0, 45.0, 0.0)}
    )
    found = facts_of(jpeg(scene(90, 60), exif=exif))
    assert found == Facts(
        width=90, height=60, format="JPEG", taken="2023-11-14T23:13:20+01:00", taken_at=NOON,
        camera="Canon EOS 6D",
        lens="50mm f/1.8", latitude=-31.51, longitude=34.75, rating=4, taken_from="exif original",
    )  # fmt: skip


def test_width_and_height_are_those_of_the_upright_photo() -> None:
    """A photo held sideways is taller than wide."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    found = facts_of(jpeg(scene(90, 60), exif=exif))
    assert (found.width, found.height, found.orientation) == (60, 90, 6)


@pytest.mark.parametrize(
    "gps",
    [
        {2: (0.0, 0.0, 0.0), 4: (0.0, 0.0, 0.0)},
        {2: (91.0, 0.0, 0.0), 4: (1.0, 0.0, 0.0)},
        {2: (IFDRational(0, 0), 0.0, 0.0), 4: (1.0, 0.0, 0.0)},  # not a number
        {2: (31.0, 0.0, 0.0)},
        {},
    ],
)
def test_places_that_cannot_be_are_left_out(gps: dict[int, object]) -> None:
    """No fix, beyond the poles, not a number, half a place: both coordinates stay empty."""
    exif = exif_of({})
    exif.get_ifd(ExifTags.IFD.GPSInfo).update({1: "N", 3: "E", **gps})
    found = facts_of(jpeg(scene(), exif=exif))
    assert (found.latitude, found.longitude) == (None, None)


def test_the_maker_is_named_once() -> None:
    """``Apple`` belongs before ``iPhone 15``, not before ``Apple iPhone 15``."""
    for make, model, camera in (
        ("Apple", "iPhone 15", "Apple iPhone 15"),
        ("NIKON CORPORATION", "NIKON D750", "NIKON D750"),
        ("", "X\0junk", "X"),
    ):
        data = jpeg(scene(), exif=exif_of({}, {0x010F: make, 0x0110: model}))
        assert facts_of(data).camera == camera


def test_xmp_inside_the_photo_fills_what_exif_leaves_open() -> None:
    """As attributes and as elements; EXIF's date wins over XMP's."""
    data = jpeg(
        scene(), xmp=xmp_packet('xmp:Rating="3" exif:DateTimeOriginal="2023-11-14T22:13:20Z"/>')
    )
    assert (facts_of(data).rating, facts_of(data).taken_at) == (3, NOON)
    element = xmp_packet("><xmp:Rating>-1</xmp:Rating></rdf:Description>")
    assert facts_of(jpeg(scene(), xmp=element)).rating == -1


@pytest.mark.parametrize("name", ["a.jpg.xmp", "a.xmp", "a.XMP"])
def test_a_sidecar_has_the_last_word(tmp_path: Path, name: str) -> None:
    """The user corrected date and rating in a program that does not change the photo.

    The photo's own facts are kept separately, because the sidecar may be removed again.
    """
    write(
        tmp_path / name, xmp_packet('xmp:Rating="5" photoshop:DateCreated="2023-11-14T22:13:20Z"/>')
    )
    exif = exif_of({0x9003: "1999:01:01 00:00:00"}, {0x4746: 1})
    write(tmp_path / "a.jpg", jpeg(scene(), exif=exif))
    found = beside(tmp_path / "a.jpg")
    assert (found["rating"], found["taken_at"]) == (5, NOON)
    assert facts_of((tmp_path / "a.jpg").read_bytes()).rating == 1


@pytest.mark.timeout(10)
def test_a_sidecar_that_is_no_file_is_ignored(tmp_path: Path) -> None:
    """A pipe, a folder, a giant or nonsense beside a photo cannot hold it up."""
    os.mkfifo(tmp_path / "a.jpg.xmp")
    (tmp_path / "a.xmp").mkdir()
    assert beside(tmp_path / "a.jpg") == {}
    with (tmp_path / "b.xmp").open("wb") as file:
        file.truncate(sidecar_files.MAX_BYTES + 1)
    write(tmp_path / "c.xmp", b"<unclosed")
    assert beside(tmp_path / "b.jpg") == {"unreadable": ["large sidecar"]}
    assert beside(tmp_path / "c.jpg") == {"unreadable": ["sidecar"]}


def test_a_sidecar_with_masks_is_read(tmp_path: Path) -> None:
    """It has megabytes, as editors write it."""
    mask = f'xmlns:x="m" x:mask="{"A" * (5 << 20)}"'
    write(tmp_path / "a.xmp", xmp_packet(f'xmp:Rating="4" {mask}/>'))
    assert beside(tmp_path / "a.jpg") == {"rating": 4}


def test_entities_in_xmp_are_not_expanded() -> None:
    """The billion laughs of XML."""
    laughs = b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>' + xmp_packet('xmp:Rating="3"/>')
    with pytest.raises(xmp.Unreadable):
        xmp.stated(laughs)
    with pytest.raises(xmp.Unreadable):
        xmp.stated(laughs.decode().encode("utf-16"))
    assert facts_of(jpeg(scene(), xmp=laughs)).unreadable == ("xmp",)


@pytest.mark.filterwarnings("ignore::UserWarning")
@settings(max_examples=150, deadline=None)
@given(junk=st.binary(max_size=200), cut=st.integers(0, 400))
def test_hostile_exif_never_costs_the_photo(junk: bytes, cut: int) -> None:
    """Any bytes where EXIF should be: facts come back, and they fit into JSON."""
    sound = exif_of({0x9003: "2023:11:14 22:13:20"}, {0x010F: "Canon", 0x0112: 6}).tobytes()
    hostile = sound[:cut] + junk
    if not hostile.startswith(b"Exif\0\0"):
        hostile = b"Exif\0\0" + hostile
    found = facts_of(jpeg(scene(), exif=hostile))
    assert {found.width, found.height} == {96, 80}
    msgspec.json.encode(found)


def test_text_is_short_printable_and_valid() -> None:
    """A camera's name ends up in terminals and JSON."""
    exif = exif_of({}, {0x0110: "\x1b[31m" + "x" * 500})
    camera = facts_of(jpeg(scene(), exif=exif)).camera
    assert camera is not None and len(camera) <= 80 and camera.isprintable()


@pytest.mark.parametrize(
    ("comment", "tags"),
    [
        (b"ASCII\0\0\0Screenshot", ("Screenshot",)),
        (b"Screenshot\0", ("Screenshot",)),
        (b"ASCII\0\0\0oplus_32", ()),
        (b"\0" * 40, ()),
        ("Screenshot", ()),
    ],
)
def test_a_screenshot_of_an_iphone_is_tagged(comment: object, tags: tuple[str, ...]) -> None:
    """Other comments are of programs, and no tags."""
    exif = exif_of({ExifTags.Base.UserComment: comment})
    assert facts_of(jpeg(scene(), exif=exif)).tags == tags
