"""Which files beside a photo describe it, by their names.

XMP: ``a.jpg.xmp`` (darktable, digiKam), ``a.xmp`` (Lightroom), ``a_01.jpg.xmp`` (darktable: a
duplicate of ``a.jpg``). Google Takeout: ``a.jpg.json``, and ``a.jpg.supplemental-metadata.json``
whose suffix, or whose whole name, is cut; ``a.supplemental-metadata.json`` if its title has no
suffix; ``a.jpg(2).json`` for ``a(2).jpg``; an edited photo shares the file of its original. The
two forms of an accented letter (NFC, NFD) are equal: macOS and its disks change them.
`docs/reference/metadata.md` lists them for users.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Literal

from photosd.core.formats import is_photo_name, suffix_of

XMP, JSON = b".xmp", b".json"
SUPPLEMENTAL = "supplemental-metadata"
CUT_CHARACTERS = range(40, 52)  # to which Google cuts names, before ``.json``
MAX_SIDECARS = 16  # of one photo
DUPLICATE = re.compile(rb"(.+)_\d\d(\.[^.]+)", re.DOTALL)
NUMBERED = re.compile(rb"(.+)(\(\d+\))", re.DOTALL)
OTHER_FILE = re.compile(rb".+\.\w{2,4}", re.DOTALL)  # a title with a suffix: of a video
SHORTEST_EDITED = 2  # letters of what Google appends, the dash included
# What Google appends in the user's language.
EDITED = tuple(
    f"-{word}".encode()
    for word in (
        "edited", "effects", "animation", "collage", "bearbeitet", "modifié", "editado", "editada",
        "ha editado", "modificato", "bewerkt", "edytowane", "editat", "redigeret", "redigerad",
        "redigert", "muokattu", "изменено", "נערך", "編集済み", "已修改",
    )
)  # fmt: skip


def is_sidecar_name(name: bytes) -> bool:
    """Whether a file with this name (or path) may describe a photo; most JSON files cannot."""
    suffix = suffix_of(name)
    if suffix != JSON:
        return suffix == XMP
    body = composed(name.rpartition(b"/")[2])[: -len(JSON)]
    if (parts := NUMBERED.fullmatch(body)) is not None and not is_photo_name(body):
        body = parts[1]
    title = _without_supplement(body) or body
    if body.endswith(b"." + SUPPLEMENTAL.encode()) and OTHER_FILE.fullmatch(title) is None:
        return True
    return is_photo_name(title) or _characters(body) in CUT_CHARACTERS


class SidecarNames:
    """The names in one directory, by the photos that they belong to."""

    def __init__(self, names: Iterable[bytes]) -> None:
        every = {name: composed(name) for name in names}
        photos = frozenset(every.values())
        self._xmp: dict[bytes, list[bytes]] = {}
        self._duplicates: dict[bytes, list[bytes]] = {}
        self._json: dict[tuple[bytes, bytes], bytes] = {}
        for name in sorted(filter(is_sidecar_name, every)):
            if suffix_of(name) == XMP:
                base = every[name][: -len(XMP)]
                self._add_xmp(name, base, duplicate=base not in photos)
            else:
                self._add_json(name, every[name][: -len(JSON)])

    def of(self, photo: bytes) -> tuple[bytes, ...]:
        """The names of the files that describe the photo of this name, the most important first:
        XMP before JSON.
        """
        photo = composed(photo)
        found = [*self._xmp.get(photo, ()), *self._xmp.get(_stem(photo), ())]
        found += self._duplicates.get(photo, ())
        if self._json and (json := self._json_of(photo)) is not None:
            found.append(json)
        return tuple(found[:MAX_SIDECARS])

    def _add_xmp(self, name: bytes, base: bytes, *, duplicate: bool) -> None:
        """``duplicate``: whether it may be of a duplicate, as no photo has its name."""
        self._xmp.setdefault(base, []).append(name)
        if duplicate and (parts := DUPLICATE.fullmatch(base)) is not None:
            self._duplicates.setdefault(parts[1] + parts[2], []).append(name)

    def _add_json(self, name: bytes, base: bytes) -> None:
        keys = [(base, b"")]
        if (parts := NUMBERED.fullmatch(base)) is not None:
            keys.append((parts[1], parts[2]))
        for body, number in keys:
            self._json.setdefault((body, number), name)
            if (photo := _without_supplement(body)) is not None:
                self._json.setdefault((photo, number), name)

    def _json_of(self, photo: bytes) -> bytes | None:
        for name, number in _titles(photo):
            for key in (name, *_cut(name)):
                if (found := self._json.get((key, number))) is not None:
                    return found
        return None


def likely_names(photo: bytes) -> Iterator[bytes]:
    """The usual names of sidecars of a photo (name or path)."""
    directory, slash, name = photo.rpartition(b"/")
    for stem in (photo, directory + slash + _stem(name)):
        yield from (stem + suffix for suffix in (XMP, XMP.upper()))
    for title, number in _titles(name):
        body = directory + slash + title + b"." + SUPPLEMENTAL.encode()
        yield body + number + JSON
        yield directory + slash + title + number + JSON


def ranges_of_photos(sidecar: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Half-open ranges of paths, in the order of bytes, in which the photos of a sidecar are."""
    base = sidecar[: -len(suffix_of(sidecar))]
    directory, slash, name = base.rpartition(b"/")
    name = composed(name)
    bodies = {name, _stem(name)}
    if (parts := DUPLICATE.fullmatch(name)) is not None:
        bodies.add(parts[1])
    if (parts := NUMBERED.fullmatch(name)) is not None:
        bodies |= {parts[1], _stem(parts[1])}
    for body in list(bodies):
        if (photo := _without_supplement(body)) is not None:
            bodies |= {photo, _stem(photo)}
    for body in bodies - {b""}:
        # "/" follows all that may stand between a title and a suffix: blanks, brackets, dashes.
        end = b"\xff" if _characters(body) in CUT_CHARACTERS else b"/"
        for form in {body, _normalised("NFD", body)}:
            yield directory + slash + form, directory + slash + form + end


def composed(name: bytes) -> bytes:
    """The name with composed letters (NFC)."""
    return _normalised("NFC", name)


def _normalised(form: Literal["NFC", "NFD"], name: bytes) -> bytes:
    if name.isascii():
        return name
    text = unicodedata.normalize(form, name.decode("utf-8", "surrogateescape"))
    return text.encode("utf-8", "surrogateescape")


def _stem(name: bytes) -> bytes:
    return name.rpartition(b".")[0] or name


def _titles(photo: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The name that Google's file has before its suffix, and the number after it."""
    stem, suffix = _stem(photo), photo[len(_stem(photo)) :]
    stems = [(stem, b"")]
    if (parts := NUMBERED.fullmatch(stem)) is not None:
        stems.append((parts[1], parts[2]))
    for edited, number in list(stems):
        if (original := _unedited(edited)) is not None:
            stems.append((original, number))
            if not number and (parts := NUMBERED.fullmatch(original)) is not None:
                stems.append((parts[1], parts[2]))
    for end in (suffix, b""):  # Google adds a suffix to photos whose title has none
        yield from ((one + end, number) for one, number in stems)


def _unedited(stem: bytes) -> bytes | None:
    """The name of the original of an edited photo; in a long name Google cuts the word, too."""
    cut = _characters(stem) in CUT_CHARACTERS
    for word in EDITED:
        for length in range(len(word), SHORTEST_EDITED - 1 if cut else len(word) - 1, -1):
            if stem.endswith(word[:length]):
                return stem[:-length]
    return None


def _without_supplement(body: bytes) -> bytes | None:
    """``a.jpg`` from ``a.jpg.supplemental-met``."""
    photo, dot, suffix = body.rpartition(b".")
    return photo if photo and dot and SUPPLEMENTAL.encode().startswith(suffix) else None


def _cut(name: bytes) -> Iterator[bytes]:
    """Beginnings of a long name, one of which Google may have cut it to."""
    if len(name) > CUT_CHARACTERS.start:
        text = name.decode("utf-8", "surrogateescape")
        for length in reversed(CUT_CHARACTERS):
            if length < len(text):
                yield text[:length].encode("utf-8", "surrogateescape")


def _characters(name: bytes) -> int:
    return len(name.decode("utf-8", "surrogateescape"))
