"""Imports every module of photosd and every library it names: what a new system lacks fails here.

`python -m release.imports`. Each module has a process of its own kind of work, so photosd's modules
are imported in one process per package, the libraries in one each; a crash is reported by its
signal, and the rest is tried all the same.
"""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import photosd
import photosd_cli

IMPORT_SECONDS = 300
# Distributions whose modules have another name.
MODULES = {
    "google-genai": "google.genai",
    "huggingface-hub": "huggingface_hub",
    "open-clip-torch": "open_clip",
    "pillow": "PIL",
    "pillow-heif": "pillow_heif",
    "python-dateutil": "dateutil",
}
# What cannot be imported here, because it is for another system.
ELSEWHERE = (
    {"photosd.watch.inotify", "photosd.watch.inotify_reader"}
    if sys.platform == "darwin"
    else {"photosd.watch.fsevents"}
)

INSTALLED = ("mcp", "tui", "web")  # the extras that the smoke test installs


def main() -> int:
    """Import everything; prints what fails, and returns the number of failures."""
    failures = 0
    for name in [*own_modules(), *libraries()]:
        why = failure(name)
        if why:
            failures += 1
            print(f"FAILED  {name}: {why}")
    print(f"{failures} modules cannot be imported")
    return min(failures, 1)


def own_modules() -> Iterator[str]:
    """The packages of photosd; all modules of one are imported together."""
    for package in (photosd, photosd_cli):
        root = Path(str(package.__file__)).parent
        for directory in [root, *sorted(path for path in root.rglob("*") if path.is_dir())]:
            names = [file.stem for file in sorted(directory.glob("*.py"))]
            dotted = ".".join([root.name, *directory.relative_to(root).parts])
            modules = [dotted if name == "__init__" else f"{dotted}.{name}" for name in names]
            modules = [name for name in modules if not name.endswith("__main__")]
            if modules := [name for name in modules if name not in ELSEWHERE]:
                yield " ".join(modules)


def libraries() -> Iterator[str]:
    """The module of every library that photosd needs on this system."""
    for requirement in importlib.metadata.requires("photosd") or []:
        extra = re.search(r"extra == .(\w+)", requirement)
        if extra is None or extra[1] in INSTALLED:
            name = re.split(r"[^\w.-]", requirement, maxsplit=1)[0]
            yield MODULES.get(name, name.replace("-", "_"))


def failure(modules: str) -> str:
    """Why these modules (separated by blanks) cannot be imported; "" if they can."""
    program = "import faulthandler, importlib, sys; faulthandler.enable()\n"
    program += "for name in sys.argv[1].split(): importlib.import_module(name)"
    try:
        done = subprocess.run(
            [sys.executable, "-c", program, modules],
            capture_output=True,
            text=True,
            timeout=IMPORT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"not within {IMPORT_SECONDS} s"
    return done.stderr.strip()[-2000:] or f"exit code {done.returncode}" if done.returncode else ""


if __name__ == "__main__":
    sys.exit(main())
