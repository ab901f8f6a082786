"""`python -m release 0.2.0`: version, changelog, all tests, archives, a smoke test, commit and tag.

Nothing leaves this machine: what to say to publish is printed at the end. What fails undoes what
was written.
"""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from pathlib import Path

from release import smoke
from release.version import Refused, dated, raised

ROOT = Path(__file__).resolve().parents[1]
MODULE, CHANGELOG = ROOT / "daemon/photosd/__init__.py", ROOT / "CHANGELOG.md"
DIST = ROOT / "dist"


def main(version: str) -> None:
    """All of it.

    Raises:
        Refused: It cannot be released as it stands.
        subprocess.CalledProcessError: A step failed.
    """
    if git("status", "--porcelain"):
        raise Refused("there are changes that are not committed")
    if git("tag", "--list", f"v{version}"):
        raise Refused(f"v{version} is there already")
    module = raised(MODULE.read_text(), version)
    changelog = dated(CHANGELOG.read_text(), version, date.today())
    try:
        MODULE.write_text(module)
        CHANGELOG.write_text(changelog)
        run("make", "docs")
        run("make", "test")
        run("make", "audit")
        smoke.main(build(version))
        git("commit", "-qam", f"Release {version}")
    except BaseException:
        git("checkout", "-q", "--", ".")
        raise
    git("tag", "-a", f"v{version}", "-m", f"photosd {version}")
    print(f"photosd {version} is committed and tagged. To publish it:")
    print(f"  git push origin HEAD v{version}")
    print(f"  uv publish dist/photosd-{version}*")


def build(version: str) -> Path:
    """Source archive and wheel, in dist; the wheel's path."""
    run(sys.executable, "-m", "hatchling", "build", "-d", str(DIST))
    return next(DIST.glob(f"photosd-{version}-*.whl"))


def run(*command: str) -> None:
    print("→", *command, flush=True)
    subprocess.run(command, cwd=ROOT, check=True)


def git(*arguments: str) -> str:
    ran = subprocess.run(
        ["git", *arguments], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True
    )
    return ran.stdout.strip()


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except Refused as refusal:
        sys.exit(f"not released: {refusal}")
    except subprocess.CalledProcessError as failed:
        sys.exit(f"not released, and nothing is changed: this failed: {failed.cmd}")
