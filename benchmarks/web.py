"""The page for the browser: keystroke to painted grid, first paint, frames of scrolling.

`python -m benchmarks.web DIRECTORY [--busy]`: with the photos of DIRECTORY, in a real Chromium;
with ``--busy`` while they are indexed again and again.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO, Any, cast

from benchmarks.bench import BenchDaemon, running
from benchmarks.queries import WORDS
from benchmarks.statistics import median, percentile
from tests.sheet.browser import Browser

QUERIES = 40
PAUSE_SECONDS = 0.4
# The time of the last keystroke, and of the first frame after its answer is in the grid.
WATCH = """
globalThis.painted = [];
document.addEventListener('input', () => { globalThis.typedAt = performance.now(); }, true);
new PerformanceObserver((list) => {
  const at = globalThis.typedAt;
  requestAnimationFrame(() => setTimeout(() => painted.push(performance.now() - at)));
}).observe({type: 'mark'});
"""
SCROLL = """
new Promise((done) => {
  const begun = performance.now(), times = [];
  let last = begun;
  const step = (now) => {
    times.push(now - last);
    last = now;
    scrollBy(0, 120);
    if (now - begun < 5000) requestAnimationFrame(step);
    else done(times);
  };
  requestAnimationFrame(step);
})
"""


def main() -> None:
    """Measure and print the figures as JSON."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("directory", type=Path, help="a folder of photos")
    arguments.add_argument("--busy", action="store_true", help="index again meanwhile")
    chosen = arguments.parse_args()
    with running() as daemon:
        daemon.wait_ready()
        daemon.index(chosen.directory)
        daemon.wait_calm()
        stop = threading.Event()
        if chosen.busy:
            threading.Thread(target=_index_again, args=(daemon, stop), daemon=True).start()
        print(json.dumps(page(daemon), indent=1))
        stop.set()


def page(daemon: BenchDaemon) -> dict[str, Any]:
    """Milliseconds and frames of the page, at 1440 x 900."""
    command = [str(Path(sys.executable).parent / "photosd"), "web", "--no-open"]
    socket = str(daemon.home / "run" / "photosd.sock")
    process = subprocess.Popen([*command, "--socket", socket], stdout=subprocess.PIPE, text=True)
    try:
        url = cast("IO[str]", process.stdout).readline().strip()
        with Browser(width=1440, height=900) as browser:
            browser.send("Page.navigate", url=url)
            browser.until("location.pathname === '/' && document.querySelector('.tile')")
            first = browser.evaluate(
                "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? -1"
            )
            browser.evaluate(WATCH)
            for number in range(QUERIES):
                browser.evaluate("document.querySelector('#box').select()")
                for letter in f"{WORDS[number % len(WORDS)]} {number}"[:4]:
                    browser.press(letter)
                time.sleep(PAUSE_SECONDS)
            times = browser.evaluate("painted")
            browser.press("Escape")
            browser.until("document.querySelectorAll('.tile').length > 3")
            frames = browser.evaluate(SCROLL)
    finally:
        process.terminate()
        process.wait(10)
    return {
        "photos": daemon.status()["index"]["indexed"],
        "first_paint_ms": round(first),
        "keystroke_to_grid_ms": {
            "p50": round(median(times)),
            "p95": round(percentile(times, 95)),
            "answers": len(times),
        },
        "scroll_frame_ms": {
            "p50": round(median(frames), 1),
            "p95": round(percentile(frames, 95), 1),
        },
    }


def _index_again(daemon: BenchDaemon, stop: threading.Event) -> None:
    while not stop.is_set():
        with daemon.client() as client:
            client.call("reindex", {})
            for _ in client.stream("rescan", {"wait": True}):
                pass


if __name__ == "__main__":
    main()
