"""The registry of installed models: list, find, remove."""

from __future__ import annotations

import contextlib
import re
import shutil
from pathlib import Path

from photosd.core.errors import BadRequest, ModelError, NotFound
from photosd.core.paths import Home
from photosd.models.presets import is_pullable
from photosd.models.spec import SLASH, STARTER, ModelSpec, read_model

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)?")
LONGEST_NAME = 100
STAGING = ".new-"  # prefix of a directory being filled; it is not a model yet


def check_name(name: str) -> None:
    """Raise BadRequest unless ``name`` is valid for a model."""
    if name == "starter" or not _possible(name):
        raise BadRequest(
            f"a model cannot be called {name!r}",
            remedy="--name takes letters, digits, dots, dashes; 'starter' is taken",
        )


def _possible(name: str) -> bool:
    return len(name) <= LONGEST_NAME and NAME.fullmatch(name) is not None


def directory_of(home: Home, name: str) -> Path:
    """The directory of the model ``name``, existing or not."""
    return STARTER if name == "starter" else directory_of_name(home.models, name)


def directory_of_name(models: Path, name: str) -> Path:
    """The directory for ``name`` among ``models``."""
    return models / name.replace("/", SLASH)


def find(home: Home, name: str) -> tuple[Path, ModelSpec]:
    """Directory and spec of an installed model; raises ModelError with the command to
    install it.
    """
    if not _is_there(home, name):
        raise ModelError(f"the model {name!r} is not installed", remedy=_how_to_get(name))
    directory = directory_of(home, name)
    return directory, read_model(directory)


def named(home: Home, name: str) -> tuple[Path, ModelSpec]:
    """The same for a name in a request; raises NotFound if there is none."""
    if not _is_there(home, name):
        raise NotFound(f"the model {name!r} is not installed", remedy=_how_to_get(name))
    return find(home, name)


def installed(home: Home) -> list[ModelSpec]:
    """Every readable model, the starter first, then by name."""
    found = [read_model(STARTER)]
    for directory in _directories(home):
        with contextlib.suppress(ModelError):
            found.append(read_model(directory))
    return found


def damaged(home: Home) -> list[ModelError]:
    """Why directories of models cannot be used."""
    errors = []
    for directory in _directories(home):
        try:
            read_model(directory)
        except ModelError as error:
            errors.append(error)
    return errors


def remove(home: Home, name: str) -> int:
    """Delete a model; returns the freed bytes. The caller ensures that it is not in use."""
    if name == "starter":
        raise BadRequest("the starter is part of photosd", remedy="photosd model list")
    if not _is_there(home, name):
        raise NotFound(f"the model {name!r} is not installed", remedy="photosd model list")
    directory = directory_of(home, name)
    if directory.is_symlink():  # the files are elsewhere, not ours
        directory.unlink()
        return 0
    size = sum(file.stat().st_size for file in directory.iterdir())
    doomed = directory.with_name(STAGING + directory.name)  # a half-deleted model is never visible
    shutil.rmtree(doomed, ignore_errors=True)
    directory.rename(doomed)
    shutil.rmtree(doomed)
    return size


def _is_there(home: Home, name: str) -> bool:
    return _possible(name) and (directory_of(home, name) / "model.json").is_file()


def _directories(home: Home) -> list[Path]:
    found = sorted(file.parent for file in home.models.glob("*/model.json"))
    return [directory for directory in found if not directory.name.startswith(STAGING)]


def _how_to_get(name: str) -> str:
    if not _possible(name):
        return "photosd model list"
    if is_pullable(name):
        return f"photosd model pull {name}"
    return f"photosd model import FILE --arch ARCH --name {name}; or: photosd model use starter"
