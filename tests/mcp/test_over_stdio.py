"""`photosd mcp` answers the SDK's own client over stdin and stdout."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters
from mcp_types import CallToolResult, ImageContent, TextContent

from photosd.core.paths import Home
from tests.alerts.scenes import write
from tests.conftest import ROOT, RunningDaemon

ODD = b"not \xff utf8 $(touch pwned).jpg"


def server(home: Path | str) -> StdioServerParameters:
    """How an agent's program starts it: with next to no environment."""
    path = os.pathsep.join([str(ROOT / "daemon"), str(ROOT / "cli")])
    return StdioServerParameters(
        command=sys.executable,
        args=["-m", "photosd_cli.main", "mcp"],
        env={"PHOTOSD_HOME": os.fspath(home), "PYTHONPATH": path},
    )


def talk(home: Path | str, conversation: Callable[[Client], Awaitable[None]]) -> None:
    """Start it, speak with it, hang up; a hang fails within a minute."""

    async def main() -> None:
        with anyio.fail_after(60):
            async with Client(server(home)) as client:
                await conversation(client)

    anyio.run(main)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path]]:
    """The home of a running daemon, and a folder it has indexed."""
    import tempfile

    folder = tmp_path_factory.mktemp("pictures")
    for name in ("sunset", "snow", "forest", "beach"):
        write(folder / f"{name}.jpg", name)
    write(os.fsencode(folder) + b"/" + ODD, "sunset")
    with tempfile.TemporaryDirectory(prefix="photosd-test-", dir="/tmp") as home:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PHOTOSD_HOME", home)
            daemon = RunningDaemon(Home.from_environment())
        daemon.wait_until("ready")
        daemon.index(folder)
        yield Path(home), folder
        daemon.stop()


def told(result: CallToolResult) -> dict[str, Any]:
    """The object of a result."""
    assert not result.is_error, result.content
    assert isinstance(result.structured_content, dict)
    return result.structured_content


def failure(result: CallToolResult) -> str:
    """What an agent reads when a tool fails."""
    assert result.is_error
    assert isinstance(result.content[0], TextContent)
    return result.content[0].text


def jpegs(result: CallToolResult) -> list[bytes]:
    """The pictures of a result."""
    pictures = [block for block in result.content if isinstance(block, ImageContent)]
    assert all(picture.mime_type == "image/jpeg" for picture in pictures)
    return [base64.b64decode(picture.data) for picture in pictures]


def test_the_tools_explain_themselves(library: tuple[Path, Path]) -> None:
    """Each with what it takes; all of them only read."""

    async def conversation(client: Client) -> None:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert set(tools) == {"search", "similar", "show", "thumbnail", "status"}
        for tool in tools.values():
            assert tool.description and tool.annotations is not None
            assert tool.annotations.read_only_hint is True
        options = tools["search"].input_schema["properties"]
        assert {"text", "since", "camera", "near", "rating", "minus"} <= set(options)
        assert all("description" in options[name] for name in ("text", "since", "near"))

    talk(library[0], conversation)


def test_an_agent_finds_and_looks(library: tuple[Path, Path]) -> None:
    """A search with pictures, one photo closely, one that looks like it."""
    folder = library[1]

    async def conversation(client: Client) -> None:
        found = await client.call_tool("search", {"text": "sunset", "pictures": 1})
        answer = told(found)
        assert answer["convincing"] is True
        # Two names of other contents; neither was hidden as a copy.
        assert {Path(hit["path"]).stem[:6] for hit in answer["hits"]} == {"sunset", "not \\x"}
        assert answer["coverage"]["indexed"] == 5
        (picture,) = jpegs(found)
        assert picture.startswith(b"\xff\xd8")
        nothing = told(await client.call_tool("search", {"text": "a receipt"}))
        assert nothing["convincing"] is False
        assert nothing["hits"] == [] and nothing["weak_hits_left_out"] == 5
        closely = await client.call_tool(
            "thumbnail", {"path": os.fspath(folder / "snow.jpg"), "pixels": 640}
        )
        size = told(closely)
        assert max(size["width"], size["height"]) == 640
        assert len(jpegs(closely)) == 1
        like = told(await client.call_tool("similar", {"path": os.fspath(folder / "sunset.jpg")}))
        assert like["hits"][0]["path_b64"]
        assert os.fspath(folder / "sunset.jpg") not in [hit["path"] for hit in like["hits"]]
        odd = await client.call_tool("show", like["hits"][0] | {})
        assert told(odd)["state"] == "indexed" and len(jpegs(odd)) == 1
        ready = told(await client.call_tool("status", {}))
        assert (ready["state"], ready["photos"], ready["model"]) == ("ready", 5, "starter")

    talk(library[0], conversation)


def test_filters_and_pages(library: tuple[Path, Path], tmp_path: Path) -> None:
    """As on the command line."""

    async def conversation(client: Client) -> None:
        first = told(await client.call_tool("search", {"text": "sunset", "limit": 1, "weak": True}))
        second = told(
            await client.call_tool(
                "search", {"cursor": first["cursor"], "limit": 10, "weak": True, "pictures": 0}
            )
        )
        assert len(first["hits"]) == 1 and len(second["hits"]) == 4
        later = await client.call_tool("search", {"text": "sunset", "since": "2099"})
        assert told(later)["hits"] == []

    talk(library[0], conversation)


def test_failures_name_their_remedy(library: tuple[Path, Path], tmp_path: Path) -> None:
    """And nothing outside the library can be looked at."""
    secret = tmp_path / "secret.jpg"
    write(secret, "sunset")

    async def conversation(client: Client) -> None:
        for tool in ("show", "thumbnail", "similar"):
            said = failure(await client.call_tool(tool, {"path": os.fspath(secret)}))
            assert "Remedy:" in said and "photosd add" in said, said
        assert "Remedy:" in failure(await client.call_tool("search", {"text": " "}))
        wrong = await client.call_tool("search", {"text": "x", "near": [1]})
        assert "near" in failure(wrong)

    talk(library[0], conversation)


def test_without_a_daemon_it_says_so(home: Home) -> None:
    """The server itself starts all the same: the daemon may come later."""

    async def conversation(client: Client) -> None:
        assert "photosd start" in failure(await client.call_tool("status", {}))

    talk(os.environ["PHOTOSD_HOME"], conversation)


def test_without_its_library_it_says_what_to_install(tmp_path: Path) -> None:
    """The extra is optional."""
    (tmp_path / "mcp.py").write_text("raise ModuleNotFoundError('no mcp', name='mcp')")
    path = os.pathsep.join([str(tmp_path), str(ROOT / "daemon"), str(ROOT / "cli")])
    done = subprocess.run(
        [sys.executable, "-m", "photosd_cli.main", "mcp"],
        env={**os.environ, "PYTHONPATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert 'pip install "mcp>=' in done.stderr
