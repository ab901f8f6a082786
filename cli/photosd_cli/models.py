"""Implements `photosd model`: reads installed models, runs the installer, calls the daemon."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from photosd.core import settings_file
from photosd.core.errors import BadRequest, ModelError, NotFound, NotRunning, PhotosdError
from photosd.core.paths import Home
from photosd.models import registry
from photosd.models.presets import PRESETS, RESTRICTED, preset_of
from photosd.models.spec import ModelSpec
from photosd.protocol.caller import error_of
from photosd.protocol.client import Client
from photosd_cli import console, lifecycle, text
from photosd_cli.installer import install
from photosd_cli.progress import Bar

if TYPE_CHECKING:
    from photosd.protocol.replies import ModelResult, SwitchReport

TAGS_SECONDS = 60.0
POLL_SECONDS = 0.2
STUCK_SECONDS = 300.0
MEMORY_FACTOR = 1.3  # size of the weights, as the encoder computes it
TORCH_MB = 370
NAME_COLUMN = 24


def rows(home: Home) -> list[dict[str, object]]:
    """Installed models and presets, as `--json` gives them."""
    chosen, switch = _serving() or chosen_model(home), _switching()
    found = [_installed(spec, spec.name == chosen) for spec in registry.installed(home)]
    for row in found:
        if switch is not None and row["name"] == switch["model"]:
            row["state"] = "next"
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


def tags() -> list[dict[str, Any]]:
    """Every ARCH/TAG of open_clip that can be pulled, with its licence and page."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "photosd.install.tags"],
        capture_output=True,
        timeout=TAGS_SECONDS,
        check=False,
    )
    if done.returncode:
        raise ModelError("open_clip's list cannot be read", remedy="install photosd again")
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def switch_words() -> str | None:
    """Progress of a switch under way."""
    switch = _switching()
    if switch is None:
        return None
    words = f"switching to {switch['model']}: {switch['done']:,} of {switch['contents']:,} photos"
    if switch["error"] is not None:
        words += f"; waiting: {switch['error']['message']}"
    return words


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
    """What is wrong with unusable models and the chosen model."""
    found = [f"{error}; {error.remedy}" for error in registry.damaged(home)]
    try:
        registry.find(home, chosen_model(home))
    except ModelError as error:
        found.append(f"{error}; {error.remedy}")
    return list(dict.fromkeys(found))


def chosen_model(home: Home) -> str:
    """The model named in the settings."""
    return settings_file.load(home.settings).encoder.model


def import_local(
    home: Home, source: Path, arch: str | None, name: str | None, precision: str
) -> dict[str, Any]:
    """Install from files on this machine."""
    name = name or arch or (source.name if source.is_dir() else source.stem)
    registry.check_name(name)
    if arch is not None:
        from photosd.models.architectures import architecture

        architecture(arch)  # report an invalid name at once
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
    registry.check_name(name)
    architecture(preset.arch)
    if (registry.directory_of(home, name) / "model.json").is_file():
        raise BadRequest(f"{name} is installed already", remedy=f"photosd model use {name}")
    console.note(f"{preset.arch}/{preset.tag}, licence: {preset.licence}", "")
    if preset.licence in RESTRICTED and not sure:
        if not console.is_terminal(sys.stdin):
            raise BadRequest(
                f"the licence of {name} is {preset.licence}",
                remedy=f"to accept it: photosd model pull {name} --yes",
            )
        click.confirm("Do you accept it?", abort=True, err=True)
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
    """Use ``name`` once its index is complete; asks before a long indexing run."""
    registry.named(home, name)  # report an invalid name at once
    try:
        with Client() as client:
            before = client.model(name)
            if before["serving"] == name and before["switch"] is None:
                return _outcome(name, f"{name} is already in use")
            if not sure:
                _ask(before)
            client.config_set("encoder.model", name)
            if wait:
                _wait(client, name)
                return _outcome(name, f"{name} is in use")
    except NotRunning:
        settings_file.change(home.settings, "encoder.model", name)
        return _outcome(name, f"{name} will be used after the next start: photosd start")
    words = f"{name} will be used when its index is complete ({_work(before)})"
    return _outcome(name, f"{words}; until then {before['serving']} answers")


def cancel(home: Home) -> dict[str, object]:
    """Cancel the switch; the next model's partial index is kept."""
    with Client() as client:
        now = client.model()
        client.config_set("encoder.model", now["serving"])
    if now["switch"] is None:
        return _outcome(now["serving"], f"{now['serving']} is in use; nothing to cancel")
    return _outcome(now["serving"], f"switch cancelled; {now['serving']} stays in use")


def rollback(home: Home, *, wait: bool) -> dict[str, object]:
    """Switch back to the previous model, whose index is kept."""
    with Client() as client:
        previous = client.model()["previous"]
    if previous is None:
        raise NotFound("there is no previous model", remedy="photosd model list")
    return use(home, previous, wait=wait, sure=True)


def remove(home: Home, name: str) -> int:
    """Delete a model from disk, unless it is in use."""
    if name in (chosen_model(home), _serving()):
        other = "starter" if name != "starter" else "NAME   (another one; photosd model list)"
        raise BadRequest(f"{name} is in use", remedy=f"photosd model use {other}")
    return registry.remove(home, name)


def _outcome(model: str, message: str) -> dict[str, object]:
    return {"model": model, "message": message}


def _serving() -> str | None:
    """The model in use; None without a daemon."""
    try:
        with Client(timeout=lifecycle.ANSWER_SECONDS) as client:
            return client.model()["serving"]
    except NotRunning:
        return None


def _switching() -> SwitchReport | None:
    try:
        with Client(timeout=lifecycle.ANSWER_SECONDS) as client:
            return client.model()["switch"]
    except PhotosdError:
        return None


def _ask(estimate: ModelResult) -> None:
    """Ask for confirmation with the estimated work; skipped without a terminal."""
    if not estimate["contents"] or not console.is_terminal(sys.stdin):
        return
    words = f"{_work(estimate)}; {estimate['serving']} answers until then. Continue?"
    if not click.confirm(words, default=True, err=True):
        raise click.Abort


def _work(estimate: ModelResult) -> str:
    words = f"{text.count(estimate['contents'] or 0, 'photo')} to index"
    if estimate["seconds"]:
        words += f", about {text.span(max(1, estimate['seconds']))}"
    return words


def _wait(client: Client, name: str) -> None:
    """Wait for the switch; raises the error that prevents it."""
    heard_at, last = time.monotonic(), -1
    with Bar(f"switching to {text.inert(name)}") as bar:
        while (now := client.model())["serving"] != name:
            switch = now["switch"]
            if switch is None:
                raise ModelError(f"the switch to {name} has ended", remedy="photosd logs")
            if switch["error"] is not None:
                raise error_of(switch["error"])
            if switch["done"] != last:
                last, heard_at = switch["done"], time.monotonic()
            elif time.monotonic() - heard_at > STUCK_SECONDS:
                raise ModelError(
                    f"no photo was indexed for {STUCK_SECONDS:.0f} s",
                    remedy="photosd status; it continues when it can",
                )
            eta = switch["eta_s"]
            left = "" if eta is None else f"  ~{text.span(eta)} left"
            bar.say(f"{switch['done']:,}/{switch['contents']:,}{left}")
            time.sleep(POLL_SECONDS)


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
