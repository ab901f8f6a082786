"""Values that the shell's completion offers: settings, models, folders, people and tags."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from photosd.core.errors import PhotosdError
from photosd.core.paths import Home
from photosd_cli import paths

if TYPE_CHECKING:
    from photosd.protocol.requests import FacetKind

MAX_VALUES = 200  # offered at once
ANSWER_SECONDS = 1.0  # the shell waits for it


def settings(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Names of settings."""
    from photosd.core import config

    return _beginning((s.name for s in config.describe(config.Settings())), begun)


def installed_models(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Names of the models on this machine."""
    from photosd.models import registry

    return _beginning((spec.name for spec in registry.installed(Home.from_environment())), begun)


def presets(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Names of recommended models."""
    from photosd.models.presets import PRESETS

    return _beginning((preset.name for preset in PRESETS), begun)


def folders(
    _context: click.Context, _parameter: click.Parameter, begun: str
) -> list[CompletionItem[str]]:
    """Watched folders; none while the daemon does not answer."""
    from photosd.protocol.client import Client

    whole = os.path.expanduser(begun)  # noqa: PTH111 (pathlib drops a slash at the end)
    try:
        with Client(timeout=ANSWER_SECONDS) as client:
            names = [os.fsdecode(paths.raw(f)) for f in client.folders()["folders"]]
    except PhotosdError:
        return []
    return [CompletionItem(name, is_path=True) for name in _beginning(names, whole)]


def values(*kinds: FacetKind) -> Callable[..., list[CompletionItem[str]]]:
    """People, tags, places or cameras of the library; none while the daemon does not answer."""

    def completed(
        _context: click.Context, _parameter: click.Parameter, begun: str
    ) -> list[CompletionItem[str]]:
        from photosd.protocol.client import Client

        try:
            with Client(timeout=ANSWER_SECONDS) as client:
                found = client.facets(kinds=kinds, limit=MAX_VALUES, begins=begun)["facets"]
        except (PhotosdError, UnicodeError):
            return []
        # As paths, so that the shell quotes blanks.
        return [
            CompletionItem(one["value"], is_path=True)
            for kind in kinds
            for one in found.get(kind, ())
        ]

    return completed


def _beginning(names: Iterable[str], begun: str) -> list[str]:
    return [name for name in names if name.startswith(begun)]
