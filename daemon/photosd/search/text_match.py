"""Matches words in file names, folders and dates: the fallback without a vector."""

from __future__ import annotations

import re

from photosd.index.database import Database

MOST_WORDS = 16
YEAR = re.compile(r"(19|20)\d\d")


def match_words(database: Database, text: str) -> list[tuple[str, float]]:
    """Contents whose path or year has words of ``text``, best first; the share of them."""
    words = re.findall(r"\w+", text.lower())[:MOST_WORDS]
    if not words:
        return []
    terms, values = [], []
    for word in words:
        # A path is bytes; CAST reads it as UTF-8, which covers all typed words.
        term = "lower(CAST(photos.path AS TEXT)) LIKE ? ESCAPE '\\'"
        values.append("%" + re.sub(r"([\\%_])", r"\\\1", word) + "%")
        if YEAR.fullmatch(word):
            term += (
                " OR coalesce(substr(json_extract(facts, '$.taken'), 1, 4), strftime('%Y',"
                " json_extract(facts, '$.taken_at'), 'unixepoch', 'localtime')) = ?"
            )
            values.append(word)
        terms.append(f"coalesce({term}, 0)")
    with database.read() as db:
        rows = db.execute(
            f"SELECT content, max({' + '.join(f'({t})' for t in terms)}) AS matched"  # noqa: S608
            " FROM photos LEFT JOIN contents USING(content) WHERE state = 'indexed'"
            " GROUP BY content HAVING matched > 0 ORDER BY matched DESC, content",
            values,
        ).fetchall()
    return [(row["content"], row["matched"] / len(words)) for row in rows]
