"""The examples of docs/how-to/search.md run, on a library of painted scenes."""

from __future__ import annotations

import re
import shutil
import time
from pathlib import Path

import pytest

from tests.conftest import ROOT, RunningDaemon
from tests.docs.examples import examples_of, painted, run, with_photosd

SIDECAR = """<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description
 xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">
<dc:subject><rdf:Bag><rdf:li>Holiday</rdf:li></rdf:Bag></dc:subject>
<dc:description><rdf:Alt>
<rdf:li xml:lang="x-default">Her first swim, in the evening</rdf:li></rdf:Alt></dc:description>
<Iptc4xmpExt:PersonInImage><rdf:Bag><rdf:li>Noa Levi</rdf:li></rdf:Bag></Iptc4xmpExt:PersonInImage>
</rdf:Description></rdf:RDF></x:xmpmeta>"""
EXAMPLES = examples_of(ROOT / "docs" / "how-to" / "search.md")


@pytest.fixture
def shell(daemon: RunningDaemon, tmp_path: Path) -> dict[str, str]:
    """A home with two beaches, one of them with everything a filter may ask for."""
    pictures = tmp_path / "Pictures"
    for name in ("beach", "sunset", "snow", "forest", "sunflower"):
        painted(pictures, name)
    painted(
        pictures / "Holiday",
        "beach",
        camera="Canon EOS",
        taken="2019:08:31 18:00:00",
        place=(32.08, 34.78),
        rating=4,
    )
    (pictures / "Holiday" / "beach.jpg.xmp").write_text(SIDECAR)
    shutil.copy(pictures / "sunset.jpg", pictures / "copy of sunset.jpg")
    daemon.wait_until("ready")
    daemon.index(pictures)
    limit = time.monotonic() + 60
    with daemon.client() as client:  # the sidecar is read, and filters know it
        while not client.facets(kinds=["person"])["facets"]["person"]:
            assert time.monotonic() < limit
            time.sleep(0.1)
    return with_photosd(tmp_path)


def test_every_example_runs(shell: dict[str, str], tmp_path: Path) -> None:
    """And finds what its line is about."""
    assert len(EXAMPLES) >= 15
    for example in EXAMPLES:
        done = run(example, tmp_path, shell)
        if "facets" in example:
            assert done.returncode == 0 and "Noa Levi" in done.stdout, (example, done.stderr)
            continue
        assert done.returncode == 0 or "--weak" in example, (example, done.stderr)
        best, *_ = done.stdout.splitlines()
        if example.startswith('photosd query "beach"') and "--plus" not in example:
            assert "beach.jpg" in best, example
        if re.search(r'August 2019"($|  )', example):
            assert "Holiday" in best and "/Pictures/beach.jpg" not in done.stdout, example
            assert "read as: " in done.stderr, example
        if re.search(r"--(in|camera|place|near|rating|since 2018|person|caption)\b", example):
            assert "Holiday" in best, example
            assert "/Pictures/beach.jpg" not in done.stdout, example
        if example.startswith('photosd query "Noa Levi"'):
            assert "Holiday" in best and "person" in best, example


def test_a_page_continues_where_the_one_before_ended(shell: dict[str, str], tmp_path: Path) -> None:
    """By the command that the page before names."""
    first = run("photosd query beach -n 1", tmp_path, shell)
    more = re.search(r"more: (photosd query --cursor \S+)", first.stderr)
    assert more is not None, first.stderr
    second = run(f"{more[1]} -n 10 --weak", tmp_path, shell)
    assert second.stdout and first.stdout not in second.stdout
