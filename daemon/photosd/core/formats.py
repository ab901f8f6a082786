"""Which file names are photos; the content is not checked here."""

from __future__ import annotations

# The suffix may be wrong: the decoder decides by content.
PICTURE_SUFFIXES = frozenset(
    b".jpg .jpeg .jpe .jfif .mpo .png .apng .webp .gif .tif .tiff .bmp .dib .heic .heics .heif"
    b" .heifs .hif .avif .avifs .jp2 .j2k .j2c .jpc .jpf .jpx .jxl .psd .ppm .pgm .pnm".split()
)
# Camera raw files; read through their JPEG preview.
RAW_SUFFIXES = frozenset(
    b".3fr .arw .cr2 .cr3 .crw .dcr .dng .erf .fff .gpr .iiq .kdc .mef .mos .mrw .nef .nrw .orf"
    b" .pef .raf .rw2 .rwl .sr2 .srf .srw .x3f".split()
)
PHOTO_SUFFIXES: frozenset[str] = frozenset(
    suffix.decode() for suffix in PICTURE_SUFFIXES | RAW_SUFFIXES
)
# Directories that their programs show as one file (macOS), and whose files they manage themselves.
LIBRARY_SUFFIXES = (
    b".photoslibrary",
    b".photolibrary",
    b".migratedphotolibrary",
    b".aplibrary",
    b".migratedaplibrary",
)
PROGRAM_SUFFIXES = (
    b".app",
    b".cocatalog",
    b".fcpbundle",
    b".imovielibrary",
    b".tvlibrary",
)
PACKAGE_SUFFIXES = (*LIBRARY_SUFFIXES, *PROGRAM_SUFFIXES, b".lrdata", b".lrlibrary")
ORIGINALS = frozenset((b"originals", b"Originals", b"Masters"))  # in a library; the rest are copies


# What people keep among photos that photosd does not index, in words.
OTHERS = {
    b".svg": "a drawing (SVG)",
    b".pdf": "a document (PDF)",
    b".psb": "a Photoshop file (PSB)",
    **dict.fromkeys(
        b".mov .mp4 .m4v .avi .mkv .3gp .mts .m2ts .mpg .webm .insv .lrv .mp".split(), "a video"
    ),
    **dict.fromkeys(b".xcf .kra .ora .clip .afphoto .ai .eps".split(), "a file of an editor"),
}


def is_library_name(name: bytes) -> bool:
    """Whether a directory with this name (or path) is a library of Photos, iPhoto or Aperture."""
    return name.lower().endswith(LIBRARY_SUFFIXES)


def is_package_name(name: bytes) -> bool:
    """Whether a directory with this name (or path) is a package: a library, a program."""
    return name.lower().endswith(PACKAGE_SUFFIXES)


def package_in(path: bytes, directory: bytes = b"") -> bytes | None:
    """The outermost package below ``directory`` that contains ``path`` or is ``path``."""
    place = directory.rstrip(b"/")
    for name in path[len(place) + 1 :].split(b"/"):
        place += b"/" + name
        if is_package_name(name):
            return place
    return None


def is_photo_name(name: bytes) -> bool:
    """Whether a file with this name (or path) is treated as a photo; case is ignored."""
    return suffix_of(name) in PICTURE_SUFFIXES or is_raw_name(name)


def is_raw_name(name: bytes) -> bool:
    """Whether a file with this name (or path) is treated as a camera raw file."""
    return suffix_of(name) in RAW_SUFFIXES


def suffix_of(name: bytes) -> bytes:
    """The suffix in lower case, ``.jpg``; empty for names without one and for ``.jpg`` alone."""
    base = name.rpartition(b"/")[2]
    stem, dot, suffix = base.rpartition(b".")
    return (dot + suffix).lower() if stem else b""
