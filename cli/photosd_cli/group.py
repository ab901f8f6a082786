"""The click program: commands found by name, imported on use, help in sections; the values that
every option refuses.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import itertools
import math
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import click
from click.core import ParameterSource

import photosd
from photosd.core.errors import BadRequest, PhotosdError
from photosd_cli import command_names, console
from photosd_cli.command_names import SECTIONS
from photosd_cli.text import inert

EPILOG = """\b
Exit codes: 0 ok, good matches · 1 no good matches, or a check failed
2 usage · 3 daemon not running · 4 still warming up at the deadline
5 daemon error · 6 cloud not permitted · 130 interrupted"""

SHORT_HELP = """\
photosd finds your photos by what is in them. It works offline.

  photosd add ~/Pictures     watch a folder and index its photos
  photosd "red car"          find photos; photosd open 2 opens the second
  photosd status             show what the daemon does; photosd start starts it

All commands: photosd help all
One command:  photosd help query
Problems:     photosd doctor"""

MAY_BE_EMPTY = {
    "--html",  # an empty value means a private file
    "text", "words",  # the query; the command checks it
    "value",  # value of a setting
}  # fmt: skip


class AnyPath(click.Path):
    """A path that is not accessed here: its share may not respond, and then this process could not
    even be interrupted. The daemon refuses what it cannot use, with a remedy.
    """

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The same path."""
        return value


PATH = AnyPath()
FOLDER = AnyPath(file_okay=False)
PICTURE = AnyPath(dir_okay=False)

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


class WholeGroup(click.Group):
    """Shows the whole first sentence of each command; click truncates it to one line."""

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        for section, names in self.sections(context).items():
            commands = [(name, self.get_command(context, name)) for name in names]
            rows = [(name, c.get_short_help_str(1000)) for name, c in commands if c is not None]
            with formatter.section(section):
                formatter.write_dl(rows)

    def sections(self, context: click.Context) -> Mapping[str, Sequence[str]]:
        """Command names below each heading."""
        return {"Commands": self.list_commands(context)}


class LazyGroup(WholeGroup):
    """Imports a command's module when it is run or its help is shown."""

    def list_commands(self, _context: click.Context) -> list[str]:
        return [name for names in SECTIONS.values() for name in names]

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in self.list_commands(context):
            return None
        command: click.Command = importlib.import_module(f"photosd_cli.commands.{name}").command
        command.name = name
        check_options(command)
        return command

    def resolve_command(
        self, context: click.Context, arguments: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command; words that name none are a query, unless they may be a misspelled one."""
        first, *rest = arguments
        name = command_names.ALIASES.get(first, first)
        if name not in command_names.COMMANDS:
            meant = None if context.resilient_parsing else command_names.meant(arguments)
            name, rest = (
                ("query", arguments) if meant is None else _asked(context, meant, arguments)
            )
        return super().resolve_command(context, [name, *rest])

    def sections(self, _context: click.Context) -> Mapping[str, Sequence[str]]:
        return SECTIONS


@click.group(
    cls=LazyGroup,
    invoke_without_command=True,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(photosd.__version__, prog_name="photosd")
@click.pass_context
def cli(context: click.Context) -> None:
    """Find your own photos by describing them: offline, private, fast."""
    if context.invoked_subcommand is None:
        tui = cli.get_command(context, "tui") if console.is_interactive() else None
        if tui is not None and importlib.util.find_spec("textual") is not None:
            context.invoke(tui)
        else:
            console.out_wrapped(SHORT_HELP, hang=4)


def _asked(context: click.Context, meant: str, arguments: list[str]) -> tuple[str, list[str]]:
    """The command and arguments that the user chooses; an error without a terminal to ask on."""
    command = " ".join([meant, *map(shlex.quote, arguments[1:])])
    words = " ".join(itertools.takewhile(lambda word: not word.startswith("-"), arguments))
    search = inert(f"photosd query {shlex.quote(words)}")
    if not (console.is_terminal(sys.stdin) and console.is_terminal(sys.stderr)):
        context.fail(
            f"No such command: {arguments[0]!r}. Did you mean {meant!r}?"
            f" Run: {inert(f'photosd {command}')}. To search: {search}"
        )
    console.note(
        f"{inert(arguments[0])!r} is not a command. Did you mean: photosd {inert(meant)}?", ""
    )
    console.note("y runs it, Enter searches for the words: ", "")
    if sys.stdin.readline().strip().lower() in ("y", "yes"):
        name, *more = meant.split()
        return name, [*more, *arguments[1:]]
    return "query", arguments


def run(arguments: Sequence[str], as_json: bool) -> int:
    """Run a command; returns its exit code. Usage errors are shown here if JSON is requested."""
    try:
        code = cli.main(list(arguments), prog_name="photosd", standalone_mode=False)
    except click.exceptions.Abort as error:
        raise KeyboardInterrupt from error
    except click.ClickException as error:
        if as_json:
            raise BadRequest(error.format_message(), remedy="photosd --help") from error
        _show(error)
        if isinstance(error, click.UsageError) and command_names.may_be_query(arguments):
            words = inert(shlex.quote(" ".join(arguments)))
            console.note(f"To search for these words: photosd query {words}", "", whole=True)
        return error.exit_code
    return code if isinstance(code, int) else 0


def _show(error: click.ClickException) -> None:
    """A usage error on stderr, wrapped between words; hidden options are not suggested."""
    of_query = False
    if isinstance(error, click.UsageError):
        context = error.ctx
        if isinstance(error, click.NoSuchOption) and error.possibilities and context is not None:
            hidden = {
                name
                for option in context.command.params
                if isinstance(option, click.Option) and option.hidden
                for name in option.opts
            }
            error.possibilities[:] = [one for one in error.possibilities if one not in hidden]
        if isinstance(error, click.NoSuchOption) and context is not None and context.command is cli:
            of_query = _has_query(context, error.option_name)
            if of_query and error.possibilities:
                error.possibilities[:] = []
        if context is not None:
            console.note(context.get_usage(), "")
            console.note(f"Try '{context.command_path} --help' for help.\n", "")
    console.note(f"Error: {error.format_message()}", "")
    if of_query:
        console.note("It is an option of: photosd query", "")


def _has_query(context: click.Context, option: str) -> bool:
    query = cli.get_command(context, "query")
    return query is not None and any(option in one.opts for one in query.params)


@contextlib.contextmanager
def collecting(key: str, as_json: bool) -> Iterator[list[Any]]:
    """A list for results of several steps; `--json` shows it as ``key``, also before an error."""
    done: list[Any] = []
    try:
        yield done
    except PhotosdError as error:
        if not (as_json and done):
            raise
        console.out_json({key: done, "error": error.as_dict()})
        raise click.exceptions.Exit(error.exit_code) from error
    if as_json:
        console.out_json({key: done})


def targets(command: Decorated) -> Decorated:
    """One or more numbers of the last answer, ranges, or paths."""
    argument = click.argument(
        "targets", metavar="NUMBER|PATH...", nargs=-1, required=True, type=PICTURE
    )
    return argument(command)


def json_option(command: Decorated) -> Decorated:
    """`--json`, the same for every command."""
    option = click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
    return option(command)


# -- values ---------------------------------------------------------------------------------------


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
