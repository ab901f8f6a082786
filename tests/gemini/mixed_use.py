"""A person's use of photosd, at random for a while: every command that a day has, over and over.

``python -m tests.gemini.mixed_use MINUTES PHOTOS`` uses the home that PHOTOSD_HOME names. A test
runs it under strace, so that all it starts is seen. It prints what people typed, a line each.
"""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

COMMAND = [sys.executable, "-m", "photosd_cli.main"]
TYPED = ("a dog", "snow", "שקיעה", "people in a street", "a receipt", "ים", "sunset -night")
READY_SECONDS = 120.0


class MixedUse:
    """``typed``: what a person asked in words, which hybrid mode may send."""

    def __init__(self, photos: Path, seed: int) -> None:
        self._chance, self._photos = random.Random(seed), photos
        self._files = sorted(photos.glob("*.jpg"))
        self._out = photos.parent / "out"
        self._out.mkdir(exist_ok=True)
        self._turn = 0
        self.typed: list[str] = []
        self._uses: list[Callable[[], object]] = [
            self.query, self.query, self.query, self.filtered, self.sheet, self.similar, self.watch,
            self.album, self.agent, self.new_photo, self.gone, self.look, self.doctor, self.forget,
        ]  # fmt: skip

    def run(self, minutes: float) -> None:
        """Each use once, then at random until the time is over."""
        photosd("start", "--wait")
        if address := os.environ.get("PHOTOSD_TEST_GEMINI"):
            photosd("config", "set", "cloud.base_url", address)
            photosd("cloud", "enable", "hybrid", "--yes")
        photosd("add", str(self._photos))
        photosd("index", "--wait")
        end = time.monotonic() + 60 * minutes
        waiting = list(dict.fromkeys(self._uses))
        while waiting or time.monotonic() < end:
            (waiting.pop() if waiting else self._chance.choice(self._uses))()
            time.sleep(self._chance.uniform(0, min(10.0, 4 * minutes)))
        photosd("restart", "--wait")
        photosd("query", self._words())
        photosd("stop")

    def _words(self) -> str:
        self._turn += 1
        words = f"{self._chance.choice(TYPED)} number {self._turn}"
        self.typed.append(words)
        return words

    def query(self) -> None:
        photosd("query", self._words(), "--json")

    def filtered(self) -> None:
        photosd("query", self._words(), "--since", "2001", "--type", "jpeg", "--all")

    def sheet(self) -> None:
        photosd("query", self._words(), "--html", str(self._out / "sheet.html"))

    def similar(self) -> None:
        photosd("similar", str(self._chance.choice(self._files)))

    def watch(self) -> None:
        """An alert for a while, and a photo meanwhile."""
        photosd("on", "an alert of ours", "--exec", "true", "--json")
        self.new_photo()
        photosd("index", "--wait")
        photosd("on", "an alert of ours", "--no-wait")

    def album(self) -> None:
        photosd("on", "an album of ours", "--link", str(self._out / "album"), "--json")

    def agent(self) -> None:
        asyncio.run(_agent(str(self._files[0])))

    def new_photo(self) -> None:
        self._turn += 1
        file = self._photos / f"new {self._turn}.jpg"
        with file.open("wb") as out:
            out.write(self._chance.choice(self._files).read_bytes())
            out.write(b"%d" % self._turn)

    def gone(self) -> None:
        for file in list(self._photos.glob("new *.jpg"))[:3]:
            file.unlink()

    def look(self) -> None:
        for words in (
            ["status"], ["folders"], ["list"], ["failures"], ["model", "list"], ["cloud", "status"],
            ["duplicates", "--similar"], ["show", str(self._files[0])], ["logs"], ["cloud", "log"],
            ["preview", str(self._files[0])],
        ):  # fmt: skip
            photosd(*words)

    def doctor(self) -> None:
        photosd("doctor")
        photosd("bugreport", "-o", str(self._out / "report.tar.gz"), "--force")

    def forget(self) -> None:
        photosd("purge", "--queries")
        photosd("pause", "--for", "1s")
        photosd("reindex", str(self._files[1]))


async def _agent(photo: str) -> None:
    server = StdioServerParameters(
        command=COMMAND[0], args=[*COMMAND[1:], "mcp"], env={**os.environ}
    )
    async with stdio_client(server) as (read, write), ClientSession(read, write) as session:
        await session.initialize()
        await session.list_tools()
        await session.call_tool("search", {"text": "a question of an agent"})
        await session.call_tool("similar", {"path": photo})


def photosd(*words: str) -> None:
    """One command, whatever it says; what hangs is a fault."""
    subprocess.run(
        [*COMMAND, *words], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, timeout=READY_SECONDS, check=False,
    )  # fmt: skip


def main() -> None:
    minutes, photos = float(sys.argv[1]), Path(sys.argv[2])
    use = MixedUse(photos, seed=int(minutes * 1000))
    use.run(minutes)
    print("\n".join(use.typed))


if __name__ == "__main__":
    main()
