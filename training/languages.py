"""``python -m training.languages``: everyday queries in other languages over the test library.

The queries of everyday_languages.txt; one counts if a right photo is among the first three. Then
which English texts are read as another language (none should be): the captions of flickr8k, and
every pair of the names of things.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from photosd.encoder.languages import COLUMNS
from photosd.encoder.tokenizer import TextTokenizer
from photosd.models.spec import LANGUAGES, STARTER, read_model
from training.asking import read_things
from training.data import ROOT, photos_with_captions
from training.everyday import acceptable, rankings, share_found

QUERIES = Path(__file__).with_name("everyday_languages.txt")


def read_queries() -> dict[str, tuple[str, ...]]:
    """The queries in each of COLUMNS, by the English one."""
    lines = QUERIES.read_text("utf-8").splitlines()
    pairs = (line.split(" = ") for line in lines if not line.startswith("#"))
    return {english: tuple(others.split(" ; ")) for english, others in pairs}


def main() -> None:
    """Print the shares, and what was missed."""
    arguments = argparse.ArgumentParser(prog="python -m training.languages", description=__doc__)
    arguments.add_argument("--photos", type=Path, default=ROOT.parent / "shared" / "photos")
    library = arguments.parse_args().photos / "library"
    queries = read_queries()
    answers = acceptable(library / "manifest.csv")
    texts = [one for several in queries.values() for one in several]
    order = rankings(STARTER, library, [*answers, *texts])
    tokenizer = TextTokenizer(read_model(STARTER), STARTER)
    for number, code in enumerate(COLUMNS):
        several = {query: order[queries[query][number]] for query in answers}
        share, missed = share_found(answers, several.__getitem__)
        unknown = [w for one in queries.values() for w in tokenizer.understood(one[number])[1]]
        print(f"{LANGUAGES[code]}: {100 * share:.1f} % of {len(answers)}; missed: {missed}")
        print(f"  not understood: {unknown}")
    said = [one for rows in photos_with_captions().values() for row in rows for one in row.captions]
    names = [thing.name for thing in read_things()]
    said += [f"{one} {other}" for one in names for other in names]
    changed = [text for text in said if tokenizer.translated(text) is not None]
    print(f"English read as another language: {len(changed)} of {len(said)}; {changed[:20]}")


if __name__ == "__main__":
    main()
