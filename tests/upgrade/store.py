"""Stores what this version of photosd leaves on the disk: `python -m tests.upgrade.store`.

Run once for each release, by its own code; the archive is never made again. It holds a home of five
small pictures (ours, painted by the demo), a file that is none, a setting, and the answers of two
queries. Archives keep modification times, which a git checkout does not.
"""

from __future__ import annotations

import tarfile
import tempfile
from pathlib import Path

from PIL import Image

import photosd
from photosd.core.paths import Home
from photosd_cli.commands import demo
from tests.conftest import RunningDaemon

HERE = Path(__file__).parent
PICTURES = ("sunset.jpg", "beach.jpg", "forest.jpg", "snow.jpg", "night-city.jpg")
BROKEN = "broken.jpg"
QUERIES = ("sunset", "snow covered mountains")
LIMIT = 7  # a setting that is not the default
SIZE = (320, 320)


def store(archive: Path) -> None:
    """Make the home with the code as it is, and pack it."""
    with tempfile.TemporaryDirectory(prefix="photosd-store-", dir="/tmp") as root:
        place = Path(root).resolve()
        _draw(place / "pictures")
        daemon = RunningDaemon(Home.from_environment(), {"PHOTOSD_HOME": f"{place}/home"})
        daemon.home = _home(place)
        try:
            daemon.wait_until("ready")
            with daemon.client() as client:
                client.config_set("search.limit", str(LIMIT))
            daemon.index(place / "pictures")
            for query in QUERIES:
                daemon.query(query)
        finally:
            daemon.stop()
        with tarfile.open(archive, "w:gz") as tar:
            for name in ("home/config", "home/state", "pictures"):
                tar.add(place / name, name, filter=_anonymous)


def _draw(folder: Path) -> None:
    folder.mkdir()
    for name in PICTURES:
        with Image.open(demo.PICTURES / name) as picture:
            picture.thumbnail(SIZE)
            picture.save(folder / name, quality=80)
    (folder / BROKEN).write_text("this is not a picture")


def _home(place: Path) -> Home:
    root = place / "home"
    return Home(root / "config", root / "state", root / "models", root / "run")


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    if "/logs" in member.name or member.name.endswith(".lock"):
        return None
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


if __name__ == "__main__":
    target = HERE / f"photosd-{photosd.__version__}.tar.gz"
    if target.exists():
        raise SystemExit(f"{target} is there already; what was released is not made again")
    store(target)
    print(f"{target}: {target.stat().st_size:,} bytes")
