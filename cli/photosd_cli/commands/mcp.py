"""`photosd mcp`: let an agent search, over the Model Context Protocol."""

from __future__ import annotations

import click

from photosd.core.errors import NotInstalled
from photosd.core.libraries import install_command

LIBRARY = "mcp>=2.3,<3"  # as in pyproject.toml; it installs the rest of the extra


@click.command()
def command() -> None:
    """Let an agent search your photos: an MCP server on stdin and stdout.

    Configure the agent's program to run `photosd mcp`. Tools: search, similar, show, thumbnail,
    status; all of them only read.
    """
    try:
        from photosd_cli.mcp_server import serve
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("mcp", "mcp_types", "pydantic"):
            raise
        raise NotInstalled(
            "the MCP library is not installed", remedy=install_command(LIBRARY)
        ) from error
    serve()
