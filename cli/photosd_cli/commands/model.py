"""`photosd model`: list, install, use and remove models."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from photosd.core import settings_file
from photosd.core.errors import BadRequest, ModelError, NotFound, NotRunning
from photosd.core.paths import Home
from photosd.models import registry
from photosd.models.presets import PRESETS, RESTRICTED, Preset, preset_of
from photosd.models.spec import LANGUAGES, ModelSpec
from photosd.protocol.caller import error_of
from photosd.protocol.client import Client
from photosd_cli import completed_values, console, lifecycle, text
from photosd_cli.group import WholeGroup, json_option
from photosd_cli.installer import install
from photosd_cli.progress import Bar

if TYPE_CHECKING:
    from photosd.protocol import reports

TAGS_SECONDS = 60.0
POLL_SECONDS = 0.2
STUCK_SECONDS = 300.0
MEMORY_FACTOR = 1.3  # size of the weights, as the encoder computes it
TORCH_MB = 370
NAME_COLUMN = 24
MOST_NAMED = 3  # languages of a model

precision_option = click.option(
    "--precision",
    type=click.Choice(["auto", "float32", "bfloat16"]),
    default="auto",
    help="auto: half precision if it is faster and as exact here.",
)


@click.group(cls=WholeGroup)
def command() -> None:
    """Manage models: list, pull, import, use, remove."""


# -- list -----------------------------------------------------------------------------------------


@command.command("list")
@click.option("--architectures", is_flag=True, help="List architectures for --arch.")
@click.option("--tags", is_flag=True, help="List every ARCH/TAG that can be pulled.")
@json_option
def list_(architectures: bool, tags: bool, as_json: bool) -> None:
    """List installed and recommended models."""
    if architectures:
        from photosd.models.architectures import names

        console.answer({"architectures": names()}, as_json, *names())
    elif tags:
        found = _tags()
        console.answer({"tags": found}, as_json, *map(_tag_line, found))
    else:
        _list_models(Home.from_environment(), as_json)


def _list_models(home: Home, as_json: bool) -> None:
    daemon = _daemon()
    switch = None if daemon is None else daemon["switch"]
    chosen = _chosen_model(home) if daemon is None else daemon["serving"]
    rows = _rows(home, chosen, None if switch is None else switch["model"])
    if as_json:
        console.out_json({"models": rows})
        return
    for row in rows:
        console.out_wrapped(text.inert(_line(row)), hang=4)
    if switch is not None:
        words = f"{switch['done']:,} of {switch['contents']:,} photos"
        if switch["error"] is not None:
            words += f"; waiting: {switch['error']['message']}"
        console.note(text.inert(f"switching to {switch['model']}: {words}"), "")
    for problem in _problems(home):
        console.warn(text.inert(problem))


def _daemon() -> reports.ModelResult | None:
    """The model in use and the switch under way; None without a daemon."""
    try:
        with Client(timeout=lifecycle.ANSWER_SECONDS) as client:
            return client.model()
    except NotRunning:
        return None


def _rows(home: Home, chosen: str, following: str | None) -> list[dict[str, object]]:
    """Installed models and presets, as `--json` gives them."""
    states = {chosen: "in use", following: "next"}
    installed = registry.installed(home)
    found = [_installed(spec, states.get(spec.name, "installed")) for spec in installed]
    there = {spec.name for spec in installed}
    return found + [_recommended(preset) for preset in PRESETS if preset.name not in there]


def _installed(spec: ModelSpec, state: str) -> dict[str, object]:
    measured = spec.measured
    return {
        "name": spec.name,
        "state": state,
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


def _recommended(preset: Preset) -> dict[str, object]:
    return {
        "name": preset.name,
        "state": "preset",
        "arch": preset.arch,
        "tag": preset.tag,
        "languages": list(preset.languages),
        "licence": preset.licence,
        "bytes": preset.download_mb * 1_000_000,
        "about": preset.about,
    }


def _line(row: dict[str, Any]) -> str:
    """A row for people."""
    size, languages = text.size(row["bytes"]), _languages(row)
    words = f"{row['name']:<{NAME_COLUMN}} {row['state']:<10} {size:>7}  {languages:<15}"
    if row["state"] == "preset":
        return f"{words}  {row['licence']}; {row['about']} (photosd model pull {row['name']})"
    if row["image_ms"]:
        words += f"  {row['image_ms']:.0f} ms a photo, {row['text_ms']:.0f} ms a query,"
    return f"{words}  {row['ram_mb']:,} MB of memory, {row['licence']}"


def _languages(row: dict[str, Any]) -> str:
    if "mul" in row["languages"]:
        return "many languages"
    names = [LANGUAGES.get(one, one) for one in row["languages"]]
    if len(names) > MOST_NAMED:
        return f"{', '.join(names[:2])} and {len(names) - 2} more"
    return ", ".join(names)


def _tags() -> list[dict[str, Any]]:
    """Every ARCH/TAG of open_clip that can be pulled, with its licence and page."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "photosd.encoder.install.tags"],
        capture_output=True,
        timeout=TAGS_SECONDS,
        check=False,
    )
    if done.returncode:
        raise ModelError("open_clip's list cannot be read", remedy="install photosd again")
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def _tag_line(tag: dict[str, Any]) -> str:
    size, languages = f"{tag['image_size']:>3} px", _languages(tag)
    return f"{tag['name']:<60}  {size}  {languages:<15}  {tag['licence']}"


def _problems(home: Home) -> list[str]:
    """What is wrong with unusable models and the chosen model."""
    found = [f"{error}; {error.remedy}" for error in registry.damaged(home)]
    try:
        registry.find(home, _chosen_model(home))
    except ModelError as error:
        found.append(f"{error}; {error.remedy}")
    return list(dict.fromkeys(found))


def _chosen_model(home: Home) -> str:
    """The model named in the settings."""
    return settings_file.load(home.settings).encoder.model


# -- pull and import ------------------------------------------------------------------------------


@command.command("pull")
@click.argument("name", shell_complete=completed_values.presets)
@precision_option
@click.option("--yes", is_flag=True, help="Accept its licence.")
@json_option
def pull(name: str, precision: str, yes: bool, as_json: bool) -> None:
    """Download the model NAME, test it and install it.

    NAME is listed by `photosd model list`, or is any ARCH/TAG of open_clip. Run it again to resume
    an interrupted download. HF_ENDPOINT, HF_TOKEN and proxy variables are used.
    """
    from photosd.models.architectures import architecture

    home, preset = Home.from_environment(), preset_of(name)
    registry.check_name(name)
    architecture(preset.arch)
    if (registry.directory_of(home, name) / "model.json").is_file():
        raise BadRequest(f"{name} is installed already", remedy=f"photosd model use {name}")
    console.note(f"{preset.arch}/{preset.tag}, licence: {preset.licence}", "")
    if preset.licence in RESTRICTED and not yes:
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
    _report(install(order, "pulling", online=True), as_json)


@command.command("import")
@click.argument("source", metavar="FILE|DIR", type=click.Path())
@click.option("--arch", metavar="ARCH", help="Its architecture, as open_clip calls it.")
@click.option("--name", metavar="NAME", help="Name of the model.  [default: ARCH]")
@precision_option
@json_option
def import_(source: str, arch: str | None, name: str | None, precision: str, as_json: bool) -> None:
    """Install a checkpoint from this machine's disk, after testing it.

    FILE holds weights (safetensors, or PyTorch without code). Some architectures need their
    tokenizer.json and tokenizer_config.json in the same directory. A DIR with an
    open_clip_config.json needs no --arch.
    """
    place = Path(os.path.realpath(source))
    if not place.exists():
        raise BadRequest(
            f"no such file: {text.inert(source)}", remedy="check the path, then try again"
        )
    name = name or arch or (place.name if place.is_dir() else place.stem)
    registry.check_name(name)
    if arch is not None:
        from photosd.models.architectures import architecture

        architecture(arch)  # report an invalid name at once
    order: dict[str, object] = {
        "source": str(place),
        "models": str(Home.from_environment().models),
        "name": name,
        "arch": arch,
        "precision": precision,
    }
    _report(install(order, "installing", online=False), as_json)


def _report(result: dict[str, Any], as_json: bool) -> None:
    model = result["model"]
    if as_json:
        kept = {key: model[key] for key in ("name", "arch", "languages", "licence", "measured")}
        console.out_json({**kept, "doubt": result["doubt"]})
        return
    measured = model["measured"]
    console.out_wrapped(
        text.inert(
            f"{model['name']} is installed: {model['arch']}, {model['precision']}, "
            f"{text.size(model['weights']['bytes'])}; {measured['image_ms']:.0f} ms a photo, "
            f"{measured['text_ms']:.0f} ms a query on this machine"
        )
    )
    if result["doubt"]:
        console.warn(text.inert(result["doubt"]))
    console.note(f"use it: photosd model use {text.inert(model['name'])}", "")


# -- use ------------------------------------------------------------------------------------------


@command.command("use")
@click.argument("name", required=False, shell_complete=completed_values.installed_models)
@click.option("--wait", is_flag=True, help="Wait until it answers queries.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@click.option("--cancel", "action", flag_value="cancel", help="Cancel the switch.")
@click.option("--rollback", "action", flag_value="rollback", help="Return to the previous model.")
@json_option
def use(name: str | None, wait: bool, yes: bool, action: str | None, as_json: bool) -> None:
    """Answer queries with the model NAME, once it has indexed every photo.

    Until then the current model answers; a restart of photosd does not lose progress.
    """
    if (name is None) == (action is None):
        raise click.UsageError("Give the NAME of a model, --cancel or --rollback.")
    if action == "cancel":
        name, done = _cancel()
    elif action == "rollback":
        name, done = _switch(_previous(), wait=wait, sure=True)
    else:
        name, done = _switch(name or "", wait=wait, sure=yes or as_json)
    if as_json:
        console.out_json({"model": name, "message": done})
    else:
        console.out_wrapped(text.inert(done))


def _switch(name: str, *, wait: bool, sure: bool) -> tuple[str, str]:
    """Use ``name`` once its index is complete; asks before a long indexing run."""
    home = Home.from_environment()
    registry.named(home, name)  # report an invalid name at once
    try:
        with Client() as client:
            before = client.model(name)
            if before["serving"] == name and before["switch"] is None:
                return name, f"{name} is already in use"
            if not sure:
                _ask(before)
            client.config_set("encoder.model", name)
            if wait:
                _wait(client, name)
                return name, f"{name} is in use"
    except NotRunning:
        settings_file.change(home.settings, "encoder.model", name)
        return name, f"{name} will be used after the next start: photosd start"
    done = f"{name} will be used when its index is complete ({_work(before)})"
    return name, f"{done}; until then {before['serving']} answers"


def _cancel() -> tuple[str, str]:
    """Cancel the switch; the next model's partial index is kept."""
    with Client() as client:
        now = client.model()
        client.config_set("encoder.model", now["serving"])
    serving = now["serving"]
    if now["switch"] is None:
        return serving, f"{serving} is in use; nothing to cancel"
    return serving, f"switch cancelled; {serving} stays in use"


def _previous() -> str:
    """The model before the one in use; its index is kept."""
    with Client() as client:
        previous = client.model()["previous"]
    if previous is None:
        raise NotFound("there is no previous model", remedy="photosd model list")
    return previous


def _ask(estimate: reports.ModelResult) -> None:
    """Ask for confirmation with the estimated work; skipped without a terminal."""
    if estimate["contents"] and console.is_terminal(sys.stdin):
        question = f"{_work(estimate)}; {estimate['serving']} answers until then. Continue?"
        click.confirm(question, default=True, abort=True, err=True)


def _work(estimate: reports.ModelResult) -> str:
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
                    remedy="photosd status   (the switch continues in the background)",
                )
            eta = switch["eta_s"]
            left = "" if eta is None else f"  ~{text.span(eta)} left"
            bar.say(f"{switch['done']:,}/{switch['contents']:,}{left}")
            time.sleep(POLL_SECONDS)


# -- remove ---------------------------------------------------------------------------------------


@command.command("remove")
@click.argument("name", shell_complete=completed_values.installed_models)
@json_option
def remove(name: str, as_json: bool) -> None:
    """Delete the model NAME from disk."""
    home = Home.from_environment()
    daemon = _daemon()
    if name == _chosen_model(home) or (daemon is not None and name == daemon["serving"]):
        other = "starter" if name != "starter" else "NAME   (another one; photosd model list)"
        raise BadRequest(f"{name} is in use", remedy=f"photosd model use {other}")
    freed = registry.remove(home, name)
    done = f"Removed {text.inert(name)}; {text.size(freed)} freed"
    console.answer({"removed": name, "bytes": freed}, as_json, done)
