"""Words of file and folder names beside the vectors: looked up in SQLite's full-text index.

Only words that tell photos apart count: a folder that holds most of the library names none of it.
"""

from __future__ import annotations

import re
import sqlite3
import unicodedata

import msgspec

from photosd.index.database import Database

MOST_WORDS = 8
MOST_FOUND = 500  # photos for one word; the latest ones, where a word names more
TELLING = 0.5  # of the library; a word that names more of it distinguishes nothing
FEW = 3  # photos whatever share of a tiny library they are
STOP_WORDS = frozenset(
    """a an and are as at be by for from has in into is it its my of off on or our out over the
    their there this to under up was we were with you your image images photo photos photograph
    photographs picture pictures pic pics""".split()  # noqa: SIM905 (readable)
)
WORD = re.compile(r"[^\W_]+")


class Named(msgspec.Struct, frozen=True):
    """A content whose path has words of the question; ``share`` of those that could count."""

    content: str
    share: float


def telling_words(text: str) -> list[str]:
    """The words of ``text`` that may name a file: no articles, each once."""
    plain = unicodedata.normalize("NFKC", text)
    words = (word.lower() for word in WORD.findall(plain))
    return list(dict.fromkeys(w for w in words if len(w) > 1 and w not in STOP_WORDS))[:MOST_WORDS]


def named(database: Database, text: str) -> list[Named]:
    """Contents whose path has words of ``text``, those with most of them first."""
    words = telling_words(text)
    if not words:
        return []
    matched: dict[str, int] = {}
    silent = 0  # words that name most of the library
    with database.read() as db:
        indexed = db.execute(
            "SELECT coalesce(sum(n), 0) FROM counts WHERE state = 'indexed'"
        ).fetchone()[0]
        most = max(FEW, int(TELLING * indexed))
        for word in words:
            try:
                if _number_named(db, word, most + 1) > most:
                    silent += 1
                    continue
                for (content,) in _contents_named(db, word):
                    matched[content] = matched.get(content, 0) + 1
            except sqlite3.OperationalError:  # letters that are younger than this SQLite
                continue
    ordered = sorted(matched, key=matched.__getitem__, reverse=True)  # stable: the latest first
    return [Named(content, matched[content] / (len(words) - silent)) for content in ordered]


def _number_named(db: sqlite3.Connection, word: str, most: int) -> int:
    counted = "SELECT count(*) FROM (SELECT 1 FROM names WHERE names MATCH ? LIMIT ?)"
    return int(db.execute(counted, (_spelt(word), most)).fetchone()[0])


def _contents_named(db: sqlite3.Connection, word: str) -> list[sqlite3.Row]:
    return db.execute(
        "SELECT DISTINCT photos.content FROM"
        " (SELECT rowid FROM names WHERE names MATCH ? ORDER BY rowid DESC LIMIT ?) AS found"
        " JOIN named ON named.id = found.rowid JOIN photos ON photos.path = named.path"
        " WHERE photos.state = 'indexed'",
        (_spelt(word), MOST_FOUND),
    ).fetchall()


def _spelt(word: str) -> str:
    """In FTS5's language: as it is, or as a file system that takes letters apart has it."""
    apart = unicodedata.normalize("NFD", word)
    bare = "".join(letter for letter in apart if not unicodedata.combining(letter))
    return f'"{word}"' if bare == word else f'"{word}" OR "{unicodedata.normalize("NFC", bare)}"'
