"""A camera raw file and the JPEG or HEIC beside it are one photo: answers show the latter."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec import structs

from photosd.core import wording
from photosd.core.formats import suffix_of
from photosd.index.catalog import Catalog
from photosd.search.paging import Find, FoundPhoto
from photosd.search.parsing import Question

Passing = Callable[[Question, Iterable[str]], Iterable[str]]


class Pairs:
    """Replaces raw files by their pictures in rankings. Any thread may use it."""

    def __init__(self, catalog: Catalog, passing: Passing) -> None:
        """``passing``: which contents pass the filter of a query."""
        self._catalog, self._passing = catalog, passing

    def joined(self, question: Question, find: Find) -> Find:
        """``find`` with each pair once, at its better rank.

        A raw file stays if all copies are asked for, if its picture does not pass the filter, or if
        the query has its suffix.
        """
        if question.every_copy:
            return find

        def found(count: int) -> list[FoundPhoto]:
            take = count
            while True:
                every = find(take)
                joined = self._joined(question, every)
                if len(joined) >= count or len(every) < take:
                    return joined[:count]
                take *= 2

        return found

    def _joined(self, question: Question, found: list[FoundPhoto]) -> list[FoundPhoto]:
        pictures = self._pictures(question, [one.content for one in found])
        if not pictures:
            return found
        joined: dict[str, FoundPhoto] = {}
        for one in found:
            path, content = pictures.get(one.content, (one.path, one.content))
            shown = structs.replace(one, content=content, path=path if one.path else None)
            joined.setdefault(content, shown)
        return list(joined.values())

    def _pictures(self, question: Question, contents: list[str]) -> dict[str, tuple[bytes, str]]:
        """The path and content of the picture that is shown instead, by the content of the raw."""
        words = set(wording.words(question.words))
        pictures = {
            content: (picture, other)
            for content, (path, picture, other) in self._catalog.pictures(contents).items()
            if suffix_of(path)[1:].decode() not in words
        }
        if not pictures:
            return {}
        passing = set(self._passing(question, {content for _, content in pictures.values()}))
        return {raw: one for raw, one in pictures.items() if one[1] in passing}
