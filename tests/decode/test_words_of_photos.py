"""Titles, captions, tags, people and places: as every program writes them, in every encoding."""

from __future__ import annotations

import contextlib
import io
import json
import struct
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image, TiffImagePlugin

from photosd.decode import facts, iptc, takeout, texts, xmp
from photosd.decode.messages import Facts, SidecarFacts
from tests.decode.pictures import jpeg, scene, write
from tests.decode.test_facts import beside, exif_of, facts_of

TYPE_BYTES, TYPE_LONG = 7, 4  # of TIFF
NAMESPACES = {
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "dc": "http://purl.org/dc/elements/1.1/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "exif": "http://ns.adobe.com/exif/1.0/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "lr": "http://ns.adobe.com/lightroom/1.0/",
    "digiKam": "http://www.digikam.org/ns/1.0/",
    "darktable": "http://darktable.sf.net/",
    "MicrosoftPhoto": "http://ns.microsoft.com/photo/1.0/",
    "mwg-rs": "http://www.metadataworkinggroup.com/schemas/regions/",
    "stArea": "http://ns.adobe.com/xmp/sType/Area#",
    "MP": "http://ns.microsoft.com/photo/1.2/",
    "MPRI": "http://ns.microsoft.com/photo/1.2/t/RegionInfo#",
    "MPReg": "http://ns.microsoft.com/photo/1.2/t/Region#",
    "Iptc4xmpCore": "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/",
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    "xmpMM": "http://ns.adobe.com/xap/1.0/mm/",
}


def packet(body: str, attributes: str = "") -> str:
    """An XMP packet with these elements and attributes of its description."""
    spaces = " ".join(f'xmlns:{name}="{uri}"' for name, uri in NAMESPACES.items())
    return (
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF {spaces}><rdf:Description rdf:about=""'
        f" {attributes}>{body}</rdf:Description></rdf:RDF></x:xmpmeta>"
    )


def listed(name: str, *words: str, kind: str = "Bag") -> str:
    """A property with a list."""
    items = "".join(f"<rdf:li>{word}</rdf:li>" for word in words)
    return f"<{name}><rdf:{kind}>{items}</rdf:{kind}></{name}>"


def inside(body: str, attributes: str = "") -> Facts:
    """The facts of a JPEG with this XMP."""
    return facts_of(jpeg(scene(), xmp=packet(body, attributes).encode()))


def dataset(number: int, value: bytes, record: int = 2) -> bytes:
    """One dataset of IPTC."""
    return struct.pack(">BBBH", 0x1C, record, number, len(value)) + value


def with_iptc(data: bytes, exif: Image.Exif | None = None) -> bytes:
    """A JPEG with these IPTC records, as Photoshop stores them."""
    block = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(data)) + data + b"\0" * (len(data) % 2)
    body = b"Photoshop 3.0\0" + block
    segment = b"\xff\xed" + struct.pack(">H", len(body) + 2) + body
    picture = jpeg(scene(), exif=exif) if exif else jpeg(scene())
    return picture[:2] + segment + picture[2:]


def test_tags_flat_and_hierarchical_are_merged() -> None:
    """Each once, every level of a path; tags that programs add for themselves are none."""
    found = inside(
        listed("dc:subject", "Beach", "Family")
        + listed("lr:hierarchicalSubject", "Places|Israel|Eilat", "beach", "darktable|exported|jpg")
        + listed("digiKam:TagsList", "People/Noa", "_Digikam_root_tag_/x", kind="Seq")
        + listed("MicrosoftPhoto:LastKeywordXMP", "Trips/Red Sea")
    )
    tags = ["Beach", "Family", "Places", "Israel", "Eilat", "People", "Noa", "Trips"]
    assert found.tags == (*tags, "Red Sea")


def test_a_title_and_a_caption_come_in_the_default_language() -> None:
    """Else in the first; a headline is a title where there is no other."""
    both = (
        '<rdf:Alt><rdf:li xml:lang="he">כותרת</rdf:li>'
        '<rdf:li xml:lang="x-default">Title</rdf:li></rdf:Alt>'
    )
    found = inside(f"<dc:title>{both}</dc:title><dc:description>plain</dc:description>")
    assert (found.title, found.caption) == ("Title", "plain")
    hebrew = '<dc:title><rdf:Alt><rdf:li xml:lang="he">כותרת</rdf:li></rdf:Alt></dc:title>'
    assert inside(hebrew).title == "כותרת"
    assert inside("", 'photoshop:Headline="Head"').title == "Head"


@pytest.mark.parametrize(
    "body",
    [
        # Picasa, digiKam, Lightroom: regions of the Metadata Working Group, in three notations.
        '<mwg-rs:Regions rdf:parseType="Resource"><mwg-rs:RegionList><rdf:Bag>'
        '<rdf:li rdf:parseType="Resource"><mwg-rs:Name>Noa</mwg-rs:Name>'
        '<mwg-rs:Type>Face</mwg-rs:Type><mwg-rs:Area stArea:x="0.5"/></rdf:li>'
        '<rdf:li mwg-rs:Name="Rex" mwg-rs:Type="Pet"/>'
        '<rdf:li><rdf:Description mwg-rs:Name="code" mwg-rs:Type="BarCode"/></rdf:li>'
        '<rdf:li><rdf:Description mwg-rs:Name="focus" mwg-rs:Type="Focus"/></rdf:li>'
        "</rdf:Bag></mwg-rs:RegionList></mwg-rs:Regions>",
        # Windows Live Photo Gallery.
        '<MP:RegionInfo rdf:parseType="Resource"><MPRI:Regions><rdf:Bag>'
        '<rdf:li MPReg:Rectangle="0.1, 0.1" MPReg:PersonDisplayName="Noa"/>'
        "<rdf:li><rdf:Description><MPReg:PersonDisplayName>Rex</MPReg:PersonDisplayName>"
        "</rdf:Description></rdf:li></rdf:Bag></MPRI:Regions></MP:RegionInfo>",
        listed("Iptc4xmpExt:PersonInImage", "Noa", "Rex", "noa"),
    ],
)
def test_people_are_read_from_every_kind_of_region(body: str) -> None:
    """Faces and pets; neither bar codes nor the point of focus."""
    assert inside(body).people == ("Noa", "Rex")


def test_places_are_read_from_plain_and_structured_fields() -> None:
    """The plain ones go first; a structure fills what they leave open."""
    found = inside(
        '<Iptc4xmpExt:LocationCreated rdf:parseType="Resource"><Iptc4xmpExt:City>אילת'
        "</Iptc4xmpExt:City><Iptc4xmpExt:CountryName>Israel</Iptc4xmpExt:CountryName>"
        "</Iptc4xmpExt:LocationCreated><Iptc4xmpExt:LocationShown><rdf:Bag><rdf:li>"
        '<rdf:Description Iptc4xmpExt:CountryCode="ISR" Iptc4xmpExt:ProvinceState="South"/>'
        "</rdf:li></rdf:Bag></Iptc4xmpExt:LocationShown>",
        'photoshop:City="אילת" Iptc4xmpCore:Location="Coral Beach"',
    )
    place = (found.sublocation, found.city, found.region, found.country, found.country_code)
    assert place == ("Coral Beach", "אילת", "South", "Israel", "ISR")


@pytest.mark.parametrize(
    ("latitude", "longitude", "place"),
    [
        ("32,4.5N", "34,45,30E", (32.075, 34.7583333)),
        ("31,30.6S", "34,45W", (-31.51, -34.75)),
        ("32.075", "-34.75", (32.075, -34.75)),
        ("+32.075", "34.75", (32.075, 34.75)),
        ("32,075N", "34,75E", None),  # decimal commas: not 75 minutes
        ("0,0N", "0,0E", None),
        ("91,0N", "0,1E", None),
        ("32,4.5N", "", None),
        ("N", "E", None),
    ],
)
def test_coordinates_of_xmp(
    latitude: str, longitude: str, place: tuple[float, float] | None
) -> None:
    """In degrees and minutes with a letter, or decimal; impossible ones are left out."""
    found = inside("", f'exif:GPSLatitude="{latitude}" exif:GPSLongitude="{longitude}"')
    expected = (None, None) if place is None else place
    assert (found.latitude, found.longitude) == expected


def test_label_creator_and_rating() -> None:
    """A label as text, or as a number of darktable."""
    found = inside(listed("dc:creator", "Noa", kind="Seq"), 'xmp:Label="Red" xmp:Rating="4"')
    assert (found.label, found.creator, found.rating) == ("Red", "Noa", 4)
    assert inside(listed("darktable:colorlabels", "3", kind="Seq")).label == "Blue"


def test_what_another_picture_says_of_itself_does_not_count() -> None:
    """A composition contains the XMP of its parts."""
    pantry = (
        "<xmpMM:Pantry><rdf:Bag><rdf:li><rdf:Description><dc:title>Part</dc:title>"
        "</rdf:Description></rdf:li></rdf:Bag></xmpMM:Pantry>"
    )
    assert inside(pantry + "<dc:title>Whole</dc:title>").title == "Whole"


@pytest.mark.parametrize(
    "encode",
    [
        lambda text: text.encode(),
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: text.encode("utf-16"),
        lambda text: text.encode("utf-16-le"),
        lambda text: text.encode("utf-16-be"),
        lambda text: text.encode("cp1255"),
        lambda text: b'<?xml version="1.0" encoding="windows-1255"?>' + text.encode("cp1255"),
        lambda text: b'<?xml version="1.0" encoding="windows-1255"?>' + text.encode(),
        lambda text: b'<?xml version="1.0" encoding="UTF-8"?>' + text.encode("cp1255"),
        lambda text: b'<?xml version="1.0" encoding="ISO-8859-1"?>' + text.encode("cp1255"),
        lambda text: b'<?xml version="1.0" encoding="windows-1252"?>' + text.encode("cp1255"),
        lambda text: b"junk before" + text.encode() + b"junk after\0\0",
        lambda text: b'<?xpacket begin="\xef\xbb\xbf" id="W5M"?>' + text.encode() + b"\0" * 9,
    ],
)  # fmt: skip
def test_a_sidecar_in_any_encoding(tmp_path: Path, encode: Any) -> None:
    """Also with another declared than is used."""
    write(tmp_path / "a.xmp", encode(packet(listed("dc:subject", "חוף", "sea"))))
    assert beside(tmp_path / "a.jpg") == {"tags": ["חוף", "sea"]}


@pytest.mark.parametrize("declared", ["windows-1255", "ISO-8859-8", "ISO-8859-1", "us-ascii"])
def test_latin_is_not_read_as_hebrew(tmp_path: Path, declared: str) -> None:
    """Whatever the packet declares."""
    head = f'<?xml version="1.0" encoding="{declared}"?>'.encode()
    write(tmp_path / "a.xmp", head + packet(listed("dc:subject", "café", "Zoë")).encode("cp1252"))
    assert beside(tmp_path / "a.jpg") == {"tags": ["café", "Zoë"]}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Tom & Jerry", "Tom & Jerry"),
        ("fish&chips &amp; peas", "fish&chips & peas"),
        ("a&nbsp;b", "a&nbsp;b"),
        ("two\x0blines", "two lines"),
        ("end&#x0;", "end"),
        ("a&#11;b", "a b"),
    ],
)
@pytest.mark.parametrize("code", ["utf-8", "utf-16"])
def test_what_xml_forbids_costs_no_other_fact(
    tmp_path: Path, written: str, read: str, code: str
) -> None:
    """Programs copy texts into packets as they are."""
    body = listed("dc:subject", written, "חוף")
    write(tmp_path / "a.xmp", packet(body, 'xmp:Rating="4"').encode(code))
    assert beside(tmp_path / "a.jpg") == {"tags": [read, "חוף"], "rating": 4}


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("Café déjà".encode(), "Café déjà"),
        ("Café déjà".encode("latin-1"), "Café déjà"),
        ("Zürich, Ærø, „x“".encode("cp1252"), "Zürich, Ærø, „x“"),
        ("חוף אילת".encode("cp1255"), "חוף אילת"),
        ("בים 2019".encode("cp1255"), "בים 2019"),
        ("חוף".encode("utf-16"), "חוף"),
        ("חוף 2019".encode("utf-16-le"), "חוף 2019"),
        ("Noa".encode("utf-16-be"), "Noa"),
        ("SMSים מהטלפון".encode("cp1255"), "SMSים מהטלפון"),
        ("öäü ÄÖ".encode("latin-1"), "öäü ÄÖ"),
        ("אבג".encode()[:-1], "אב"),
        (b"\xff\xfe", ""),
        (b"", ""),
    ],
)
def test_encodings_are_recognised(data: bytes, text: str) -> None:
    """Nothing declares them."""
    assert texts.decoded(data) == text


def test_iptc_of_a_jpeg() -> None:
    """Hebrew in UTF-8, in windows-1255, and declared wrongly."""
    for code in ("utf-8", "cp1255"):
        for declared in (b"", dataset(90, b"\x1b%G", record=1)):
            data = declared + b"".join(
                dataset(number, text.encode(code))
                for number, text in (
                    (5, "כותרת"), (25, "חוף"), (25, "ים"), (80, "נועה"), (90, "אילת"),
                    (92, "החוף הדרומי"), (95, "דרום"), (100, "ISR"), (101, "ישראל"),
                    (120, "ים כחול"),
                )
            )  # fmt: skip
            found = facts_of(with_iptc(data))
            assert (found.title, found.caption, found.tags) == ("כותרת", "ים כחול", ("חוף", "ים"))
            place = (found.sublocation, found.city, found.region, found.country)
            assert place == ("החוף הדרומי", "אילת", "דרום", "ישראל")
            assert (found.country_code, found.creator, found.unreadable) == ("ISR", "נועה", ())


@pytest.mark.parametrize("kind", ["bytes", "numbers", "numbers in the other order"])
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_iptc_of_a_tiff(kind: str) -> None:
    """In a tag of its own, as bytes or as numbers of four."""
    data = dataset(25, b"beach") + dataset(120, b"caption")
    data += b"\0" * (-len(data) % 4)
    if kind.endswith("order"):
        data = b"".join(data[place : place + 4][::-1] for place in range(0, len(data), 4))
    info = TiffImagePlugin.ImageFileDirectory_v2()
    info.tagtype[33723] = TYPE_BYTES
    info[33723] = data
    file = io.BytesIO()
    scene().save(file, "TIFF", tiffinfo=info)
    saved = file.getvalue()
    if kind != "bytes":
        entry = struct.pack("<HHL", 33723, TYPE_BYTES, len(data))
        assert entry in saved
        saved = saved.replace(entry, struct.pack("<HHL", 33723, TYPE_LONG, len(data) // 4))
    found = facts_of(saved)
    assert (found.tags, found.caption, found.unreadable) == (("beach",), "caption", ())


@pytest.mark.parametrize(
    "data",
    [
        dataset(25, b"beach") + b"\x1c\x02\x19\x00\x20cut off",
        dataset(25, b"beach") + b"junk",
        dataset(25, b"beach") + b"\x1c\x02\x19\xff\xff\x00\x00",
        dataset(25, b"beach") + dataset(200, b"") * iptc.MAX_RECORDS,
    ],
)
def test_damaged_iptc_costs_no_other_fact(data: bytes) -> None:
    """What was readable counts, and the damage is told."""
    found = facts_of(with_iptc(data[:60_000]))
    assert (found.tags, found.unreadable) == (("beach",), ("iptc",))


def test_tags_of_exif_and_windows() -> None:
    """Windows writes UTF-16, and cameras of the Far East and Israel their own encodings."""
    main: dict[int, object] = {
        facts.XP_TITLE: "כותרת\0".encode("utf-16-le"),
        facts.XP_COMMENT: "הערה\0".encode("utf-16-le"),
        facts.XP_KEYWORDS: "חוף; sea;;SEA\0".encode("utf-16-le"),
        ExifTags.Base.Artist: "נועה".encode("cp1255"),
    }
    found = facts_of(jpeg(scene(), exif=exif_of({}, main)))
    assert (found.title, found.caption, found.tags, found.creator) == (
        "כותרת", "הערה", ("חוף", "sea"), "נועה",
    )  # fmt: skip
    main[ExifTags.Base.ImageDescription] = "חוף".encode()
    assert facts_of(jpeg(scene(), exif=exif_of({}, main))).caption == "חוף"


@pytest.mark.parametrize(
    "default",
    ["OLYMPUS DIGITAL CAMERA         ", "SONY DSC", "KONICA MINOLTA DIGITAL CAMERA", "DCIM",
     "<Digimax i6 PMP, Samsung #1>", "default", "Untitled", "Exif_JPEG_PICTURE", "---", "rhdr",
     "Canon EOS 6D", "SAMSUNG DIGITAL STILL CAMERA", "File written by Adobe Photoshop¨ 4.0"],
)  # fmt: skip
def test_what_a_camera_writes_is_no_caption(default: str) -> None:
    """Neither in EXIF nor copied to XMP; what a person wrote is."""
    main: dict[int, object] = {0x0110: "Canon EOS 6D", 0x010E: default}
    data = jpeg(
        scene(),
        exif=exif_of({}, main),
        xmp=packet(f"<dc:description>{default.replace('<', '&lt;')}</dc:description>").encode(),
    )
    assert facts_of(data).caption is None
    main[0x010E] = "Our new digital camera on the beach"
    assert facts_of(jpeg(scene(), exif=exif_of({}, main))).caption == main[0x010E]


def test_words_that_differ_are_all_found(tmp_path: Path) -> None:
    """Flat, hierarchical, IPTC's and the sidecar's; XMP's title goes before IPTC's."""
    data = with_iptc(dataset(25, b"from iptc") + dataset(5, b"old title"))
    body = listed("dc:subject", "from dc") + listed("lr:hierarchicalSubject", "from lr|below")
    xap = b"http://ns.adobe.com/xap/1.0/\0" + packet(body + "<dc:title>new</dc:title>").encode()
    segment = b"\xff\xe1" + struct.pack(">H", len(xap) + 2) + xap
    found = facts_of(data[:2] + segment + data[2:])
    assert found.tags == ("from dc", "from lr", "below", "from iptc")
    assert found.title == "new"


@pytest.mark.parametrize(
    "hostile",
    [
        b"<x" * 100,
        b"<a>" * (xmp.MAX_DEPTH + 1) + b"</a>" * (xmp.MAX_DEPTH + 1),
        b"<a>" * 300_000,
        b"<a>" + b"<b/>" * xmp.MAX_ELEMENTS + b"</a>",
        b" " * (xmp.MAX_BYTES + 1),
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
        b"\xff\xfe<\0a\0",
        b"\0\0\0\0\0",
        b"<rdf:RDF <x:xmpmeta " * 50_000,
        b"</rdf:RDF><rdf:RDF>" * 50_000,
    ],
    ids=range(10),
)
@pytest.mark.timeout(60)
def test_hostile_xmp_is_refused(hostile: bytes) -> None:
    """In a moment; nothing is expanded or fetched."""
    with pytest.raises(xmp.Unreadable):
        xmp.stated(hostile)


def test_a_broken_kind_of_metadata_is_reported_and_affects_no_other() -> None:
    """EXIF, XMP and IPTC each."""
    exif = exif_of({0x9003: "2019:08:03 10:00:00"})
    found = facts_of(jpeg(scene(), exif=exif, xmp=b"<broken"))
    assert (found.taken, found.unreadable) == ("2019-08-03T10:00:00", ("xmp",))
    broken = b"Exif\0\0" + b"\xff" * 100
    found = facts_of(jpeg(scene(), exif=broken, xmp=packet("<dc:title>T</dc:title>").encode()))
    assert (found.title, found.unreadable) == ("T", ("exif",))


def test_numbers_and_lengths_have_limits() -> None:
    """Metadata of any size stays small in the catalog."""
    words = [f"tag {number}" for number in range(texts.MAX_WORDS + 1)]
    found = inside(
        listed("dc:subject", *words, "x" * 200) + listed("dc:title", "t" * 999, kind="Alt")
    )
    assert found.tags == tuple(words[: texts.MAX_WORDS])
    assert len(found.title or "") == texts.TITLE_CHARACTERS
    assert len(inside(f"<dc:description>{'c ' * 9999}</dc:description>").caption or "") in (
        texts.CAPTION_CHARACTERS, texts.CAPTION_CHARACTERS - 1,
    )  # fmt: skip
    assert len(inside(listed("dc:subject", "x" * 200)).tags[0]) == texts.NAME_CHARACTERS
    assert texts.text(b"a" * (texts.MAX_BYTES + 9), 10**6) == "a" * texts.MAX_BYTES


def takeout_json(**fields: object) -> bytes:
    """The JSON file of a photo."""
    zero = {"latitude": 0.0, "longitude": 0.0}
    told = {
        "title": "IMG_1.jpg", "description": "", "photoTakenTime": {"timestamp": "1556886611"},
        "geoData": zero, "geoDataExif": zero, **fields,
    }  # fmt: skip
    return json.dumps(told).encode()


TOLD: SidecarFacts = {"taken_at": 1556886611.0, "taken_from": "takeout"}


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (takeout_json(), TOLD),
        (b"\xef\xbb\xbf" + takeout_json(), TOLD),
        (takeout_json().decode().encode("utf-16"), TOLD),
        (  # a text that was cut within an emoji, and one with a line break
            takeout_json(description="cut", title="a").replace(b'cut"', b'cu\nt \\ud83d"'),
            {**TOLD, "caption": "cu t"},
        ),
        (
            takeout_json(
                description="נועה בחוף",
                people=[{"name": "Noa"}, {"name": "noa"}, {}, "x", {"name": 3}],
                geoData={"latitude": 29.55, "longitude": 34.95},
                geoDataExif={"latitude": 1.0, "longitude": 1.0},
            ),
            {**TOLD, "caption": "נועה בחוף", "people": ["Noa"], "latitude": 29.55,
             "longitude": 34.95},
        ),
        (takeout_json(geoDataExif={"latitude": 1, "longitude": 2}),
         {**TOLD, "latitude": 1.0, "longitude": 2.0}),
        (takeout_json(photoTakenTime={"timestamp": "0"}), {}),
        (takeout_json(photoTakenTime={"timestamp": "99999999999"}), {}),
        (takeout_json(photoTakenTime={"timestamp": "soon"}), {}),
        (takeout_json(photoTakenTime=3, geoData=[], people=3, description=3), {}),
        (b'{"title": "a recipe", "description": "flour"}', {}),
        (b"[1, 2]", {}),
        (b"null", {}),
        (b"{", {"unreadable": ["sidecar"]}),
        (b"\xff\xfe", {"unreadable": ["sidecar"]}),
        (b"[" * 100_000, {"unreadable": ["sidecar"]}),
    ],
)  # fmt: skip
def test_takeout(tmp_path: Path, data: bytes, found: dict[str, Any]) -> None:
    """Its title is the name of the file; zeros are no place; other JSON says nothing."""
    write(tmp_path / "a.jpg.json", data)
    assert beside(tmp_path / "a.jpg") == found


def test_xmp_goes_before_takeout(tmp_path: Path) -> None:
    """And people of both are known."""
    write(tmp_path / "a.jpg.json", takeout_json(description="json", people=[{"name": "Noa"}]))
    body = "<dc:description>xmp</dc:description>" + listed("Iptc4xmpExt:PersonInImage", "Dan")
    write(tmp_path / "a.xmp", packet(body, 'exif:DateTimeOriginal="2019-08"').encode())
    found = beside(tmp_path / "a.jpg")
    assert (found["caption"], found["people"]) == ("xmp", ["Dan", "Noa"])
    assert (found["taken"], found["taken_from"]) == ("2019-08-01T00:00:00", "sidecar")


def test_a_date_in_the_future_is_none() -> None:
    """Neither that of Takeout nor that of EXIF."""
    soon = str(int(time.time()) + 10 * 86_400)
    assert "taken_at" not in takeout.stated(takeout_json(photoTakenTime={"timestamp": soon}))


@pytest.mark.timeout(120)
@settings(max_examples=200, deadline=None)
@given(junk=st.binary(max_size=60), place=st.integers(0, 600), cut=st.integers(0, 20))
def test_any_damage_costs_single_facts(junk: bytes, place: int, cut: int) -> None:
    """Facts come back, and they fit into JSON, whatever bytes are in XMP, IPTC or a sidecar."""
    body = listed("dc:subject", "beach", "חוף") + "<dc:title>Title</dc:title>"
    words = packet(body, 'exif:GPSLatitude="32,4.5N"').encode()
    words = words[:place] + junk + words[place + cut :]
    older = dataset(25, b"beach") + dataset(120, b"caption")
    older = older[: place % 20] + junk + older[place % 20 + cut :]
    told = takeout_json(people=[{"name": "Noa"}])
    told = told[: place % 150] + junk + told[place % 150 + cut :]
    found = facts_of(with_iptc(older))
    assert (found.width, found.height) == (96, 80)
    msgspec.json.encode(found)
    with contextlib.suppress(xmp.Unreadable):
        msgspec.json.encode(xmp.stated(words))
    with contextlib.suppress(takeout.Unreadable):
        msgspec.json.encode(takeout.stated(told))
