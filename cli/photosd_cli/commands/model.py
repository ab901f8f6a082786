"""`photosd model`: list, install, use and remove models."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from photosd.core.errors import BadRequest
from photosd.core.paths import Home
from photosd_cli import completing, console, models, text
from photosd_cli.group import WholeGroup, json_option


@click.group(cls=WholeGroup)
def command() -> None:
    """Manage models: list, pull, import, use, remove."""


@command.command("list")
@click.option("--architectures", is_flag=True, help="List architectures for --arch.")
@click.option("--tags", is_flag=True, help="List every ARCH/TAG that can be pulled.")
@json_option
def list_(architectures: bool, tags: bool, as_json: bool) -> int:
    """List installed and recommended models."""
    if architectures:
        return _list_architectures(as_json)
    if tags:
        return _list_tags(as_json)
    rows = models.rows(Home.from_environment())
    if as_json:
        console.out_json({"models": rows})
        return 0
    for row in rows:
        console.tell(text.inert(models.line(row)), hang=4)
    if words := models.switch_words():
        console.note(text.inert(words), "")
    for problem in models.problems(Home.from_environment()):
        console.warn(text.inert(problem))
    return 0


@command.command("pull")
@click.argument("name", shell_complete=completing.presets)
@click.option(
    "--precision",
    type=click.Choice(["auto", "float32", "bfloat16"]),
    default="auto",
    help="auto: half precision if it is faster and as exact here.",
)
@click.option("--yes", is_flag=True, help="Accept its licence.")
@json_option
def pull(name: str, precision: str, yes: bool, as_json: bool) -> int:
    """Download the model NAME, test it and install it.

    NAME is listed by `photosd model list`, or is any ARCH/TAG of open_clip. Run it again to resume
    an interrupted download. HF_ENDPOINT, HF_TOKEN and proxy variables are used.
    """
    result = models.pull(Home.from_environment(), name, precision, sure=yes)
    return _report(result, as_json)


@command.command("import")
@click.argument("source", metavar="FILE|DIR", type=click.Path())
@click.option("--arch", metavar="ARCH", help="Its architecture, as open_clip calls it.")
@click.option("--name", metavar="NAME", help="Name of the model.  [default: ARCH]")
@click.option(
    "--precision",
    type=click.Choice(["auto", "float32", "bfloat16"]),
    default="auto",
    help="auto: half precision if it is faster and as exact here.",
)
@json_option
def import_(source: str, arch: str | None, name: str | None, precision: str, as_json: bool) -> int:
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
    result = models.import_local(Home.from_environment(), place, arch, name, precision)
    return _report(result, as_json)


@command.command("use")
@click.argument("name", required=False, shell_complete=completing.installed_models)
@click.option("--wait", is_flag=True, help="Wait until it answers queries.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@click.option("--cancel", "action", flag_value="cancel", help="Cancel the switch.")
@click.option("--rollback", "action", flag_value="rollback", help="Return to the previous model.")
@json_option
def use(name: str | None, wait: bool, yes: bool, action: str | None, as_json: bool) -> int:
    """Answer queries with the model NAME, once it has indexed every photo.

    Until then the current model answers; a restart of photosd does not lose progress.
    """
    home = Home.from_environment()
    if (name is None) == (action is None):
        raise click.UsageError("Give the NAME of a model, --cancel or --rollback.")
    if action == "cancel":
        outcome = models.cancel(home)
    elif action == "rollback":
        outcome = models.rollback(home, wait=wait)
    else:
        outcome = models.use(home, name or "", wait=wait, sure=yes or as_json)
    if as_json:
        console.out_json(outcome)
    else:
        console.tell(text.inert(str(outcome["message"])))
    return 0


@command.command("remove")
@click.argument("name", shell_complete=completing.installed_models)
@json_option
def remove(name: str, as_json: bool) -> int:
    """Delete the model NAME from disk."""
    freed = models.remove(Home.from_environment(), name)
    if as_json:
        console.out_json({"removed": name, "bytes": freed})
    else:
        console.out(f"Removed {text.inert(name)}; {text.size(freed)} freed")
    return 0


def _list_architectures(as_json: bool) -> int:
    from photosd.models.architectures import names

    if as_json:
        console.out_json({"architectures": names()})
    else:
        for name in names():
            console.out(name)
    return 0


def _list_tags(as_json: bool) -> int:
    found = models.tags()
    if as_json:
        console.out_json({"tags": found})
        return 0
    for tag in found:
        many = "many languages" if "mul" in tag["languages"] else "English"
        console.out(f"{tag['name']:<60}  {tag['image_size']:>3} px  {many:<14}  {tag['licence']}")
    return 0


def _report(result: dict[str, Any], as_json: bool) -> int:
    model = result["model"]
    if as_json:
        kept = {key: model[key] for key in ("name", "arch", "languages", "licence", "measured")}
        console.out_json({**kept, "doubt": result["doubt"]})
        return 0
    measured = model["measured"]
    console.tell(
        text.inert(
            f"{model['name']} is installed: {model['arch']}, {model['precision']}, "
            f"{text.size(model['weights']['bytes'])}; {measured['image_ms']:.0f} ms a photo, "
            f"{measured['text_ms']:.0f} ms a query on this machine"
        )
    )
    if result["doubt"]:
        console.warn(text.inert(result["doubt"]))
    console.note(f"use it: photosd model use {text.inert(model['name'])}", "")
    return 0
