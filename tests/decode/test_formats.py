"""Which names are taken for photos."""

from __future__ import annotations

import io
import subprocess
import sys

import pytest

from photosd.core.formats import PHOTO_SUFFIXES, PICTURE_SUFFIXES, is_photo_name, is_raw_name
from photosd.decode.opening import FORMATS, know_heif, open_picture
from tests.decode.pictures import LIMITS


@pytest.mark.parametrize(
    "name",
    [b"a.jpg", b"B.JPEG", b"/x.y/IMG_1.HEIC", b"c.d.png", b"\xff\xfe.avif", b"a\nb.WebP", b"d.NEF"],
)
def test_a_photo_is_known_by_its_suffix_whatever_the_rest(name: bytes) -> None:
    """Case, odd bytes, several dots and folders do not matter."""
    assert is_photo_name(name)


@pytest.mark.parametrize(
    "name", [b"", b".jpg", b"jpg", b"a.jpg.xmp", b"a.mov", b"/photos.jpg/notes", b"a.", b"a.jpg~"]
)
def test_other_names_are_not_photos(name: bytes) -> None:
    """Sidecars, videos, hidden files without a name and folders that look like photos."""
    assert not is_photo_name(name)


def test_raw_files_are_photos_of_their_own_kind() -> None:
    """They are known, and known to be raw."""
    assert is_raw_name(b"x.CR2") and not is_raw_name(b"x.jpg")
    assert {".jpg", ".heic", ".cr3"} <= PHOTO_SUFFIXES


def test_the_daemon_side_imports_neither_pillow_nor_torch() -> None:
    """The pool runs in the daemon, where no picture library may be."""
    script = (
        "import photosd.decode.pool, photosd.core.formats, sys;"
        "print(sorted({'PIL', 'pillow_heif', 'torch'} & sys.modules.keys()))"
    )
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert out.stdout.strip() == "[]", out.stderr


def test_a_decoder_imports_no_numpy_torch_or_network_library() -> None:
    """A decoder stays small: everything heavy costs start-up time and memory per worker."""
    script = (
        "import photosd.decode.__main__, sys;"
        "print(sorted({'numpy', 'torch', 'http', 'ssl', 'urllib.request'} & sys.modules.keys()))"
    )
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert out.stdout.strip() == "[]", out.stderr


@pytest.mark.parametrize("kind", ["PDF", "EPS", "ICO", "TGA", "SGI", "PCX", "XBM"])
def test_other_formats_are_not_tried(kind: str) -> None:
    """Pillow knows them all; fewer parsers have fewer weaknesses."""
    from PIL import Image, UnidentifiedImageError

    file = io.BytesIO()
    Image.new("1" if kind == "XBM" else "RGB", (32, 32)).save(file, kind)
    with pytest.raises(UnidentifiedImageError):
        open_picture(file.getvalue(), LIMITS)


def test_every_suffix_has_a_decoder() -> None:
    """A file that is taken for a photo can be opened by one of ours."""
    from PIL import Image

    know_heif()
    Image.init()
    known = Image.registered_extensions()
    formats = {suffix: known.get(suffix.decode()) for suffix in PICTURE_SUFFIXES}
    ours = {*FORMATS, "HEIF", "MPO"}  # an MPO begins with a JPEG, and is opened as one
    others = {suffix for suffix, name in formats.items() if name not in ours}
    assert others == {b".jxl"}  # by a library of its own: test_more_formats.py
