"""The log: every line readable by a machine, whatever a file is called, and bounded in size."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from photosd.core import log as log_module
from tests.conftest import ROOT

PROGRAM = """
import logging, sys
from pathlib import Path
from photosd.core.log import set_up
import structlog
set_up(sys.argv[2], Path(sys.argv[1]))
log = structlog.get_logger()
"""


def run(file: Path, code: str, level: str = "info", **options: object) -> str:
    """Run this with logs set up; what it wrote on stderr."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "daemon"), **options.pop("env", {})}  # type: ignore[dict-item]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM + code, str(file), level],
        env=environment,
        stderr=options.get("stderr", subprocess.PIPE),  # type: ignore[call-overload]
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return str(done.stderr)


def events(file: Path) -> list[dict[str, object]]:
    """Every line as an object, or the test fails."""
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


@pytest.mark.parametrize(
    "value",
    [
        "'\\udcff.jpg'",
        "b'/p/\\xff\\x00\\n.jpg'",
        "['/p/\\udcff.jpg', {'deep': '\\udcfe'}]",
        "'two\\nlines\\x1b[2J'",
        "'תמונה 🌅'",
        "Path('/p/\\udcff')",
        "OSError(2, 'gone', '/p/\\udcff')",
    ],
)
def test_no_file_name_breaks_a_line(value: str, tmp_path: Path) -> None:
    """Surrogates, newlines, escapes, however deep inside a value; nothing is lost."""
    file = tmp_path / "log"
    stderr = run(file, f"log.warning('e', path={value}); log.warning('next')")
    assert [event["event"] for event in events(file)] == ["e", "next"]
    assert "Logging error" not in stderr


def test_exceptions_and_others_loggers_are_lines_too(tmp_path: Path) -> None:
    """Libraries log through the standard library."""
    file = tmp_path / "log"
    run(
        file,
        "logging.getLogger('lancedb').error('of \\udcff %s', 'a library')\n"
        "try: open('/nowhere/\\udcff')\n"
        "except OSError: log.exception('failed')",
    )
    first, second = events(file)
    assert (first["event"], first["level"]) == ("of \\udcff a library", "error")
    assert "Traceback" in str(second["exception"])


def test_the_log_is_rotated(tmp_path: Path) -> None:
    """So many bytes and files, never more."""
    file = tmp_path / "log"
    few = "import photosd.core.log as l; l.LOG_BYTES = 2000; set_up('info', Path(sys.argv[1]))\n"
    run(file, few + "for n in range(500): log.info('e', n=n)")
    assert len(list(tmp_path.iterdir())) == log_module.LOG_FILES
    assert sum(f.stat().st_size for f in tmp_path.iterdir()) <= 2100 * log_module.LOG_FILES
    assert events(file)[-1]["n"] == 499


def test_the_journal_gets_levels(tmp_path: Path) -> None:
    """A stderr that is the journal's gets lines with priorities and without times."""
    with (tmp_path / "journal").open("w") as journal:
        status = os.fstat(journal.fileno())
        stream = {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}
        run(
            tmp_path / "log",
            "log.warning('odd_file', path='/p/a\\nb')\n"
            "try: 1 / 0\nexcept ZeroDivisionError: log.exception('failed')",
            env=stream,
            stderr=journal,
        )
    first, second, *rest = (tmp_path / "journal").read_text().splitlines()
    assert first == "<4>odd_file path=/p/a\\nb"
    assert second == "<3>failed"
    assert all(line.startswith("<3>") for line in rest)
    assert rest[-1] == "<3>ZeroDivisionError: division by zero"


def test_launchd_s_file_is_not_filled(tmp_path: Path) -> None:
    """It is never rotated; the log has everything."""
    assert run(tmp_path / "log", "log.error('e')", env={"PHOTOSD_SELF_CHECK": "exit"}) == ""
    assert events(tmp_path / "log")[0]["event"] == "e"


def test_no_query_is_logged() -> None:
    """Queries are logged only if the user sets the log level to debug."""
    import re

    for file in (ROOT / "daemon" / "photosd").rglob("*.py"):
        assert not re.search(
            r"log\.(?!debug)\w+\([^)]*(text|query|words|prompt)s?=", file.read_text()
        ), file


AGES = """
import json, os, sys, time
from pathlib import Path
import structlog
from photosd.core.log import expire_log, set_up
file, day = Path(sys.argv[1]), 86_400
def line(days, event):
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - days * day))
    return json.dumps({"timestamp": at, "event": event}) + "\\n"
for number, days in ((1, 29), (2, 31)):
    old = file.with_name(f"{file.name}.{number}")
    old.write_text(line(days, "rotated"))
    os.utime(old, (time.time() - days * day,) * 2)
file.write_text(line(31, "begun") + line(1, "later"))
set_up("info", file)
structlog.get_logger().info("first")
expire_log(time.time() - 30 * day)
structlog.get_logger().info("second")
expire_log(time.time() - 30 * day)
"""


def test_lines_have_an_age(tmp_path: Path) -> None:
    """A rotated file goes 30 days after its last line; one is rotated 30 days after its first."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "daemon")}
    file = tmp_path / "log"
    subprocess.run([sys.executable, "-c", AGES, str(file)], env=environment, check=True)
    events = {
        one.name: [json.loads(line)["event"] for line in one.read_text().splitlines()]
        for one in tmp_path.iterdir()
    }
    assert events == {"log": ["second"], "log.1": ["begun", "later", "first"], "log.2": ["rotated"]}
