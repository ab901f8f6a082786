"""Which files describe which photos: names of programs, and of Google Takeout."""

from __future__ import annotations

import unicodedata
from typing import Literal

import pytest

from photosd.core.sidecar_names import (
    CUT_CHARACTERS,
    MAX_SIDECARS,
    SidecarNames,
    is_sidecar_name,
    likely_names,
    ranges_of_photos,
)

LONG = "urlhttp3A2F2F4.bp.blogspot.com2F-PGjWtbg1u5M2FUX.jpg"  # 51 characters
HEBREW = "תמונה ארוכה מאוד של כל המשפחה על החוף באילת בקיץ 2019 בערב.jpg"
COMMON = "2019-08-03"


@pytest.mark.parametrize(
    ("photo", "sidecar"),
    [
        ("a.jpg", "a.jpg.xmp"),
        ("a.jpg", "a.xmp"),
        ("a.jpg", "a.XMP"),
        ("a.JPG", "a.JPG.XMP"),
        ("a.nef", "a.xmp"),
        ("a.b.jpg", "a.b.xmp"),
        ("a.jpg", "a_01.jpg.xmp"),
        ("a.jpg", "a_27.jpg.XMP"),
        ("a.jpg", "a.jpg.json"),
        ("a.JPG", "a.JPG.JSON"),
        ("a.jpg", "a.jpg.supplemental-metadata.json"),
        ("a.jpg", "a.jpg.supplemental-metad.json"),
        ("a.jpg", "a.jpg.supple.json"),
        ("a.jpg", "a.jpg.s.json"),
        ("a.jpg", "a.jpg..json"),
        ("a(2).jpg", "a.jpg(2).json"),
        ("a(2).jpg", "a(2).jpg.json"),
        ("a(2).jpg", "a.jpg.supplemental-metadata(2).json"),
        ("2025-04-28(3516).jpg", "2025-04-28.jpg.supplemental-metadata(3516).json"),
        ("a-edited.jpg", "a.jpg.json"),
        ("a-edited.jpg", "a.jpg.supplemental-metadata.json"),
        ("a-edited(2).jpg", "a.jpg.supplemental-metadata(2).json"),
        ("a-bearbeitet.jpg", "a.jpg.json"),
        ("a-נערך.jpg", "a.jpg.json"),
        ("a(2)-edited.jpg", "a.jpg(2).json"),
        (f"{LONG[:42]}-edi.jpg", f"{LONG[:42]}.jpg.json"),
        # immich-go#674: a title without a suffix
        ("Peanut Butter Balls.jpg", "Peanut Butter Balls.supplemental-metadata.json"),
        ("223(1).jpg", "223.supplemental-metadata(1).json"),
        ("223-edited.jpg", "223.supplemental-metadata.json"),
        (LONG, f"{LONG[:46]}.json"),
        (LONG.replace(".jpg", "(1).jpg"), f"{LONG[:46]}(1).json"),
        (HEBREW, f"{HEBREW[:46]}.json"),
    ],
)
def test_a_sidecar_belongs_to_its_photo(photo: str, sidecar: str) -> None:
    """It is found from the names of the directory; and the photo from that of the sidecar."""
    names = [name.encode() for name in (photo, sidecar, "other.jpg", "other.xmp", "z.json")]
    assert SidecarNames(names).of(photo.encode()) == (sidecar.encode(),)
    path = b"/d/" + photo.encode()
    assert any(low <= path < high for low, high in ranges_of_photos(b"/d/" + sidecar.encode()))
    assert is_sidecar_name(sidecar.encode())


@pytest.mark.parametrize(
    ("photo", "sidecar"),
    [
        ("a.jpg", "b.xmp"),
        ("a.jpg", "ab.xmp"),
        ("a.jpg", "a.nef.xmp"),
        ("a.jpg", "a_1.jpg.xmp"),
        ("a.jpg", "a_01.nef.xmp"),
        ("a.jpg", "metadata.json"),
        ("a.jpg", "a.json"),
        ("a(2).jpg", "a(2).json"),
        ("a.mov", "a.mov.json"),
        ("a.jpg", "a.jpg(2).json"),
        ("a(2).jpg", "a.jpg.json"),
        ("a(2).jpg", "a.jpg(3).json"),
        ("a.jpg", "a.jpg.supplement-metadata.json"),
        ("a.jpg", "a.jpg.supplemental-metadata-2.json"),
        ("a-edited.jpg", "b.jpg.json"),
        ("reedited.jpg", "re.jpg.json"),
        (LONG, f"{LONG[:30]}.json"),
        (f"{COMMON}-1.jpg", f"{COMMON}.json"),
    ],
)
def test_a_sidecar_of_another_photo_does_not_count(photo: str, sidecar: str) -> None:
    """However alike their names are."""
    assert SidecarNames([photo.encode(), sidecar.encode()]).of(photo.encode()) == ()


@pytest.mark.parametrize("photo_form", ["NFC", "NFD"])
@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize(
    ("photo", "sidecar"),
    [
        ("été.jpg", "été.jpg.xmp"),
        ("été.jpg", "été.xmp"),
        ("été.jpg", "été_01.jpg.xmp"),
        ("été(2).jpg", "été.jpg.supplemental-metadata(2).json"),
        ("été-modifié.jpg", "été.jpg.json"),
        ("a-modifié.jpg", "a.jpg.json"),
        ("é" * 60 + ".jpg", "é" * 46 + ".json"),
    ],
)
def test_the_form_of_letters_does_not_count(
    photo: str, sidecar: str, photo_form: Literal["NFC", "NFD"], form: Literal["NFC", "NFD"]
) -> None:
    """Disks of Macs and programs that unpack archives write NFD, others NFC."""
    test_a_sidecar_belongs_to_its_photo(
        unicodedata.normalize(photo_form, photo), unicodedata.normalize(form, sidecar)
    )


def test_of_several_the_most_important_is_first() -> None:
    """XMP before JSON, the whole name before the stem, and a photo's own before its original's."""
    names = [b"a.jpg", b"a.xmp", b"a.jpg.xmp", b"a_02.jpg.xmp", b"a_01.jpg.xmp", b"a.jpg.json"]
    assert SidecarNames(names).of(b"a.jpg") == (
        b"a.jpg.xmp", b"a.xmp", b"a_01.jpg.xmp", b"a_02.jpg.xmp", b"a.jpg.json",
    )  # fmt: skip
    own = [b"a-edited.jpg", b"a-edited.jpg.json", b"a.jpg.json"]
    assert SidecarNames(own).of(b"a-edited.jpg") == (b"a-edited.jpg.json",)


def test_a_photo_that_looks_like_a_duplicate_keeps_its_sidecar() -> None:
    """`a_01.jpg` is there: then `a_01.jpg.xmp` is of it alone."""
    names = SidecarNames([b"a.jpg", b"a_01.jpg", b"a_01.jpg.xmp"])
    assert names.of(b"a.jpg") == ()
    assert names.of(b"a_01.jpg") == (b"a_01.jpg.xmp",)


def test_numbers_and_lengths_have_limits() -> None:
    """A photo with very many duplicates has some of their sidecars; only long names are cut."""
    names = [b"a.jpg", *(b"a_%02d.jpg.xmp" % number for number in range(MAX_SIDECARS + 1))]
    assert len(SidecarNames(names).of(b"a.jpg")) == MAX_SIDECARS
    for length in (CUT_CHARACTERS.start - 1, CUT_CHARACTERS.stop):
        names = [b"a" * 60 + b".jpg", b"a" * length + b".json"]
        assert SidecarNames(names).of(names[0]) == ()


def test_the_likely_names_are_found_without_a_directory() -> None:
    """Where a directory changes too often to be listed each time."""
    found = set(likely_names(b"/d/a(2).jpg"))
    assert {b"/d/a(2).jpg.xmp", b"/d/a(2).XMP", b"/d/a(2).jpg.json"} <= found
    assert {b"/d/a.jpg(2).json", b"/d/a.jpg.supplemental-metadata(2).json"} <= found


@pytest.mark.parametrize(
    "name", ["package.json", "a.json", "a.mp4.json", "a.mp4.supplemental-metadata(2).json", "json"]
)
def test_other_json_raises_no_hint(name: str) -> None:
    """Programs write thousands of such files."""
    assert not is_sidecar_name(b"/d/" + name.encode())
