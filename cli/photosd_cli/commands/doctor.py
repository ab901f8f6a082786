"""`photosd doctor`: find problems and their remedies."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from photosd.core.paths import Home
from photosd_cli import console, text
from photosd_cli.group import json_option

if TYPE_CHECKING:
    from photosd.doctor.finding import Finding

STYLES = {"ok": "green", "warning": "yellow", "fault": "red", "unknown": "dim"}
MARKS = {"ok": "✓", "warning": "!", "fault": "✗", "unknown": "?"}
PLAIN_MARKS = {"ok": "+", "warning": "!", "fault": "x", "unknown": "?"}
SHOWN = ("check", "verdict", "says", "remedy", "details", "curable")  # fields of a finding
FIX_SECONDS = 600.0
HANG = 16  # columns for the mark and the name of a check


@click.command()
@click.option("--fix", is_flag=True, help="Apply the remedies that are safe, then check again.")
@click.option("--cloud", is_flag=True, help="Also test Gemini, the only check that uses a network.")
@json_option
def command(fix: bool, cloud: bool, as_json: bool) -> int:
    """Check everything: model, tokenizer, memory, folders, index, socket, service, recent crashes.

    Works without the daemon. --cloud needs `photosd cloud enable`; it sends sample words and a grey
    square, no data of yours, for a fraction of a cent. Exit codes: 0 no faults (there may be
    warnings), 1 faults.
    """
    from photosd.doctor.checks import run_checks

    home = Home.from_environment()
    fixed: list[str] = []
    if fix and (curable := [f for f in run_checks(home) if f.curable and f.verdict != "ok"]):
        fixed = _fix(curable)
    findings = []
    for finding in run_checks(home, cloud=cloud):
        findings.append(finding)
        if not as_json:
            _show(finding)
            console.flush()
    faults = [finding for finding in findings if finding.verdict == "fault"]
    if as_json:
        found = [{name: getattr(finding, name) for name in SHOWN} for finding in findings]
        console.out_json({"healthy": not faults, "findings": found, "carried_out": fixed})
    elif any(f.curable for f in faults) and not fix:
        console.note("photosd doctor --fix   applies the remedies that are safe")
    return 1 if faults else 0


def _show(finding: Finding) -> None:
    marks = MARKS if console.can_write("✓✗") else PLAIN_MARKS
    mark = console.styled(marks[finding.verdict], STYLES[finding.verdict])
    console.out_wrapped(f"{mark} {finding.check:<13} {text.inert(finding.says)}", hang=HANG)
    if finding.remedy is not None:
        console.out_wrapped(f"{'':<{HANG}}→ {text.inert(finding.remedy)}", hang=2)
    for line in (finding.details or "").splitlines():
        console.out(f"  {'':<13}   {console.styled(text.inert(line), 'dim')}")


def _fix(findings: Iterable[Finding]) -> list[str]:
    """Apply each remedy once, functions first; returns what was done, in words."""
    done = []
    commands: dict[tuple[str, ...], None] = {}
    for finding in findings:
        if finding.repair is not None:
            try:
                finding.repair()
                done.append(finding.remedy or finding.says)
            except OSError as error:
                console.warn(text.inert(f"{finding.remedy}: {error}"))
        elif finding.command:
            commands[finding.command] = None
    if ("restart",) in commands:
        commands.pop(("start",), None)
    for arguments in commands:
        if _carry_out(arguments):
            done.append(f"photosd {' '.join(arguments)}")
    for words in done:
        console.note(f"applied: {text.inert(words)}")
    return done


def _carry_out(arguments: tuple[str, ...]) -> bool:
    program = [sys.executable, "-P", "-m", "photosd_cli.main", *arguments]
    try:
        ran = subprocess.run(program, capture_output=True, timeout=FIX_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        console.warn(f"photosd {' '.join(arguments)} has not ended after {FIX_SECONDS:.0f} s")
        return False
    if ran.returncode not in (0, 4):  # 4: running, still warming up
        console.warn(text.inert(ran.stderr.decode("utf-8", "replace").strip()))
        return False
    return True
