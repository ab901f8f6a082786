"""What `photosd model` does: reads the shelf, starts the installer, tells the daemon."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from photosd.core import config
from photosd.core.errors import BadRequest, ModelError, NotRunning
from photosd.core.paths import Home
from photosd.ipc.client import Client
from photosd.models import shelf
from photosd.models.presets import PRESETS, RESEARCH_ONLY, preset_of
from photosd.models.spec import ModelSpec
from photosd_cli import console, lifecycle, text
from photosd_cli.installer import install
from photosd_cli.progress import Bar

MEMORY_FACTOR = 1.3  # of the weights, as the encoder reckons
TORCH_MB = 370
NAME_COLUMN = 24


def rows(home: Home) -> list[dict[str, object]]:
    """Installed models and presets, as `--json` gives them."""
    chosen = chosen_model(home)
    found = [_installed(spec, spec.name == chosen) for spec in shelf.installed(home)]
    there = {row["name"] for row in found}
    for preset in PRESETS:
        if preset.name not in there:
            found.append(
                {
                    "name": preset.name,
                    "state": "preset",
                    "arch": preset.arch,
                    "tag": preset.tag,
                    "languages": list(preset.languages),
                    "licence": preset.licence,
                    "bytes": preset.download_mb * 1_000_000,
                    "about": preset.about,
                }
            )
    return found


def line(row: dict[str, Any]) -> str:
    """A row for people."""
    size = text.size(row["bytes"])
    languages = "many languages" if "mul" in row["languages"] else "English"
    words = f"{row['name']:<{NAME_COLUMN}} {row['state']:<10} {size:>7}  {languages:<14}"
    if row["state"] == "preset":
        return f"{words}  {row['licence']}; {row['about']} (photosd model pull {row['name']})"
    if row["image_ms"]:
        words += f"  {row['image_ms']:.0f} ms a photo, {row['text_ms']:.0f} ms a query,"
    return f"{words}  {row['ram_mb']:,} MB of memory, {row['licence']}"


def problems(home: Home) -> list[str]:
    """What is wrong with models that cannot be used, and the model chosen."""
    found = [f"{error}; {error.remedy}" for error in shelf.damaged(home)]
    try:
        shelf.find(home, chosen_model(home))
    except ModelError as error:
        found.append(f"{error}; {error.remedy}")
    return list(dict.fromkeys(found))


def chosen_model(home: Home) -> str:
    """The model that the settings name."""
    return config.load(home.settings).encoder.model


def import_local(
    home: Home, source: Path, arch: str | None, name: str | None, precision: str
) -> dict[str, Any]:
    """Install what lies on this machine."""
    name = name or arch or (source.name if source.is_dir() else source.stem)
    shelf.check_name(name)
    if arch is not None:
        from photosd.models.architectures import architecture

        architecture(arch)  # a name that is wrong is said at once
    order: dict[str, object] = {
        "source": str(source),
        "models": str(home.models),
        "name": name,
        "arch": arch,
        "precision": precision,
    }
    return install(order, "installing", online=False)


def pull(home: Home, name: str, precision: str, *, sure: bool) -> dict[str, Any]:
    """Install a preset, or ARCH/TAG, from the hub; its licence is shown first."""
    from photosd.models.architectures import architecture

    preset = preset_of(name)
    shelf.check_name(name)
    architecture(preset.arch)
    if (shelf.directory_of(home, name) / "model.json").is_file():
        raise ModelError(f"{name} is installed already", remedy=f"photosd model use {name}")
    console.note(f"{preset.arch}/{preset.tag}, licence: {preset.licence}", "")
    if preset.licence == RESEARCH_ONLY and not sure:
        if not console.is_terminal(sys.stdin):
            raise BadRequest(
                f"the licence of {name} allows {preset.licence.partition(': ')[2]}",
                remedy=f"if that is your use: photosd model pull {name} --yes",
            )
        click.confirm("Is that your use?", abort=True, err=True)
    order: dict[str, object] = {
        "models": str(home.models),
        "name": name,
        "arch": preset.arch,
        "tag": preset.tag,
        "licence": preset.licence,
        "precision": precision,
    }
    return install(order, "pulling", online=True)


def use(home: Home, name: str, *, wait: bool, sure: bool) -> dict[str, object]:
    """Have the daemon answer with ``name``; asks first when that means work."""
    _, spec = shelf.find(home, name)
    if chosen_model(home) == name:
        return {"model": name, "changed": False, "message": f"{name} is in use already"}
    running = _photos()
    if running and not sure:
        _ask(spec, running)
    if running is None:
        config.change(home.settings, "encoder.model", name)
        words = f"{name} is used from the next start: photosd start"
        return {"model": name, "changed": True, "message": words}
    with Client() as client:
        client.config_set("encoder.model", name)
    lifecycle.stop()
    lifecycle.start()
    if wait:
        lifecycle.wait_until_warm()
        _wait_until_indexed()
    return {"model": name, "changed": True, "message": f"{name} is in use"}


def remove(home: Home, name: str) -> int:
    """Take a model from the disk, unless it is in use."""
    if name == chosen_model(home):
        raise BadRequest(f"{name} is in use", remedy="photosd model use starter")
    return shelf.remove(home, name)


def _photos() -> int | None:
    """Photos of the running daemon; None without one."""
    try:
        with Client(timeout=lifecycle.ANSWER_SECONDS) as client:
            return client.status()["index"]["photos"]
    except NotRunning:
        return None


def _ask(spec: ModelSpec, photos: int) -> None:
    """What it costs, and whether that is welcome."""
    words = f"{text.count(photos, 'photo')} will be looked at again"
    if spec.measured is not None:
        words += f", about {text.span(max(1, photos * spec.measured.image_ms / 1000))}"
    if not click.confirm(f"{words}. Go on?", default=True, err=True):
        raise click.Abort


def _wait_until_indexed() -> None:
    with Client() as client, Bar("indexing") as bar:
        for progress in client.rescan(True):
            bar.show(progress)


def _installed(spec: ModelSpec, chosen: bool) -> dict[str, object]:
    measured = spec.measured
    return {
        "name": spec.name,
        "state": "in use" if chosen else "installed",
        "arch": spec.arch,
        "languages": list(spec.languages),
        "licence": spec.licence,
        "bytes": spec.weights.bytes,
        "ram_mb": round(TORCH_MB + MEMORY_FACTOR * spec.weights.bytes / 1e6),
        "image_ms": measured.image_ms if measured else None,
        "text_ms": measured.text_ms if measured else None,
        "dimension": spec.dimension,
        "precision": spec.precision,
    }
