"""What the answers of a model depend on."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from photosd.models.spec import STARTER, read_model


@pytest.mark.parametrize("name", ["words.txt", "synonyms.txt", "hebrew.txt", "languages.txt"])
def test_a_changed_list_of_words_changes_the_text_fingerprint_only(
    tmp_path: Path, name: str
) -> None:
    directory = tmp_path / "starter"
    shutil.copytree(STARTER, directory)
    before = read_model(directory)
    assert before.text_fingerprint == read_model(STARTER).text_fingerprint
    with (directory / name).open("a") as stream:
        stream.write("zzyzx\n")
    after = read_model(directory)
    assert after.text_fingerprint != before.text_fingerprint
    assert after.fingerprint == before.fingerprint


def test_without_lists_it_is_the_models_fingerprint(tmp_path: Path) -> None:
    directory = tmp_path / "starter"
    shutil.copytree(STARTER, directory)
    spec = (directory / "model.json").read_text()
    for key in ("words", "synonyms", "glossary", "languages"):
        spec = spec.replace(f'  "{key}":', f'  "no-{key}":')
    (directory / "model.json").write_text(spec)
    found = read_model(directory)
    assert found.text_fingerprint == found.fingerprint
