"""`photosd config`: show and change settings, with or without a running daemon."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, cast

import click

from photosd.core.errors import ConfigError, NotRunning
from photosd.core.paths import Home
from photosd.protocol.client import Client
from photosd_cli import completed_values, console, text
from photosd_cli.group import WholeGroup, json_option

if TYPE_CHECKING:
    from photosd.protocol.reports import SettingReport


@click.group(cls=WholeGroup)
def command() -> None:
    """Show and change settings; a change takes effect at once."""


@command.command("get")
@click.argument("name", required=False, shell_complete=completed_values.settings)
@json_option
def get(name: str | None, as_json: bool) -> None:
    """Show every setting with its meaning, or only the value of NAME."""
    settings = [s for s in _settings() if name in (None, s["name"])]
    if not settings:
        raise ConfigError(f"unknown setting {name!r}", remedy="photosd config get")
    if as_json:
        console.out_json({"settings": settings})
    elif name is not None:
        console.out(text.inert(text.value(settings[0]["value"])))
    else:
        for setting in settings:
            _show(setting)


@command.command("set", context_settings={"ignore_unknown_options": True})
@click.argument("name", shell_complete=completed_values.settings)
@click.argument("value")
@json_option
def set_(name: str, value: str, as_json: bool) -> None:
    """Set NAME to VALUE."""
    setting = _set(name, value)
    same = "" if setting.get("changed", True) else "   (unchanged)"
    shown = f"{setting['name']} = {text.value(setting['value'])}{same}"
    console.answer(setting, as_json, text.inert(shown))


@command.command("path")
@json_option
def path(as_json: bool) -> None:
    """Show where the settings are kept (TOML; the file may be missing)."""
    file = os.fspath(Home.from_environment().settings)
    console.answer({"path": file}, as_json, file)


def _settings() -> list[SettingReport]:
    """Settings from the daemon; from the file if it is not running."""
    try:
        with Client() as client:
            return client.config()["settings"]
    except NotRunning:
        from msgspec import to_builtins

        from photosd.core import config, settings_file

        reading = settings_file.read(Home.from_environment().settings)
        for problem in reading.problems:
            console.warn(f"{problem.says}\n  {problem.remedy}")
        return cast("list[SettingReport]", to_builtins(config.describe(reading.settings)))


def _set(name: str, value: str) -> dict[str, object]:
    try:
        with Client() as client:
            return {**client.config_set(name, value)}
    except NotRunning:
        from photosd.core import config, settings_file

        file = Home.from_environment().settings
        before = settings_file.read(file).settings
        after = settings_file.change(file, name, value).settings
        changed = config.value_of(after, name) != config.value_of(before, name)
        value_now = config.shown(config.parsed(name, value))
        return {"name": name, "value": value_now, "changed": changed}


def _show(setting: SettingReport) -> None:
    """Name, value and, if different, the default; the meaning below."""
    value, default = text.value(setting["value"]), text.value(setting["default"])
    changed = "" if value == default else f"   (default: {default})"
    console.out(text.inert(f"{setting['name']} = {value}{changed}"))
    console.out(text.inert(f"    {setting['description']} ({setting['type']})"))
