"""Values that every option refuses: empty text, text that is not UTF-8, NaN, infinity."""

from __future__ import annotations

import math
from typing import Any

import click
from click.core import ParameterSource

MAY_BE_EMPTY = {
    "--html",  # an empty value means a private file
    "text", "words",  # the query; the command checks it
    "value",  # value of a setting
}  # fmt: skip


class Number(click.FloatRange):
    """A finite number from ``min`` to ``max``."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        number: float = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a finite number.", param, ctx)
        return number


def check_options(command: click.Command) -> None:
    """Make ``command``, and all its subcommands, refuse such values."""
    for parameter in command.params:
        if not isinstance(parameter.callback, _Checked):
            parameter.callback = _Checked(parameter.callback)
    if isinstance(command, click.Group):
        for below in command.commands.values():
            check_options(below)


class _Checked:
    """A parameter callback that checks the value before the parameter's own callback."""

    def __init__(self, then: Any) -> None:
        self._then = then

    def __call__(self, context: click.Context, parameter: click.Parameter, value: Any) -> Any:
        source = context.get_parameter_source(parameter.name or "")
        if source is ParameterSource.COMMANDLINE:
            for text in value if isinstance(value, tuple) else (value,):
                if isinstance(text, str):
                    _check(context, parameter, text)
        return value if self._then is None else self._then(context, parameter, value)


def _check(context: click.Context, parameter: click.Parameter, text: str) -> None:
    is_option = isinstance(parameter, click.Option)
    blank = not text.strip() if is_option else not text  # a file may be called " "
    if blank and not MAY_BE_EMPTY.intersection(parameter.opts):
        raise click.BadParameter("The value is empty.", context, parameter)
    # File names may hold any bytes; words may not.
    if not isinstance(parameter.type, click.Path) and (is_option or parameter.name != "text"):
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise click.BadParameter("The text is not UTF-8.", context, parameter) from error
