"""A bug report holds what helps to find a bug, and no private data."""

from __future__ import annotations

import getpass
import json
import tarfile
from pathlib import Path

import pytest

from photosd.core.paths import Home
from photosd.doctor import crash_reports
from photosd.doctor.redaction import Redactor
from tests.cli.conftest import Photosd, photosd
from tests.doctor import plants

__all__ = ["photosd"]  # the fixture

FOLDER = "/media/annika/My Pictures"
SECRETS = ("Anna", "wedding", "חתונה", "annika", "secret", "Grandma", "R3JhbmRtYQ")
LINES = [
    {"event": "photo_quarantined", "path": f"{FOLDER}/Anna's wedding: day 1/IMG 1.JPG"},
    {"event": "photo_quarantined", "path": f"{FOLDER}/חתונה/a\\xffb.jpg", "reason": "cut off"},
    {"event": "e", "cause": f"[Errno 2] No such file: '{FOLDER}/Anna/secret.jpg'"},
    {"event": "e", "cause": f'cannot open "{FOLDER}/secret "quoted" name.jpg"'},
    {"event": "e", "cause": f"{FOLDER}/Anna: x.jpg: moved to {FOLDER}/Grandma y.jpg"},
    {"event": "e", "cause": "/mnt/old disk/Anna/secret pictures/x.png: is away"},
    {"event": "e", "cause": "left b'/mnt/old/Anna wedding/x.png' behind"},
    {"event": "query", "text": "Grandma at the wedding", "answered_by": "vector"},
    {"event": "e", "query": "secret things", "nested": {"text": ["Anna", {"words": "secret"}]}},
    {"event": "e", "lines": [f"{FOLDER}/Anna", "/home/annika/Grandma.jpg"]},
    {"event": "e", "cause": "cannot run /home/annika/bin/wedding: /home/annika/Anna is away"},
    {"event": "e", "remedy": "photosd add '/home/annika/My wedding/Anna'; see ~/Grandma.jpg"},
    {"event": "folder_offline", "folder": FOLDER, "remedy": f"photosd remove '{FOLDER}'"},
    {"event": "e", "path_b64": "R3JhbmRtYQ==", "below_b64": "R3JhbmRtYQ=="},
    {"event": "encoder_died", "reason": "hung: no answer to text for 2.5 s", "stack": "frame 1"},
]


@pytest.fixture
def redactor() -> Redactor:
    own = {"state": Path("/home/annika/.local/state/photosd"), "home": Path("/home/annika")}
    return Redactor(own, [FOLDER])


@pytest.mark.parametrize("line", LINES, ids=range(len(LINES)))
def test_nothing_personal_is_left(line: dict[str, object], redactor: Redactor) -> None:
    """In whatever way a log line names it."""
    redacted = redactor.line(json.dumps(line))
    assert not [secret for secret in SECRETS if secret in redacted], redacted
    assert json.loads(redacted)["event"] == line["event"]


@pytest.mark.parametrize(
    "text",
    [
        "hung: no answer to text for 2.5 s",
        'File "/usr/lib/fuse/threading.py", line 3 in wait',
        "12,408 photos and/or 3/4 of them",
        "killed by SIGSEGV",
        "https or so: 3 : 4",
        "~3 s, and ~ 4",
    ],
)
def test_what_helps_is_left_alone(text: str, redactor: Redactor) -> None:
    """Reasons, numbers, the system's own files."""
    assert redactor.text(text) == text


def test_the_systems_python_is_not_all_of_usr(monkeypatch: pytest.MonkeyPatch) -> None:
    """Debian's Python says its prefix is /usr, where FUSE lives, too."""
    monkeypatch.setattr("sys.base_prefix", "/usr")
    line = 'File "/usr/lib/fuse/threading.py", line 3 in wait'
    assert Redactor({}).text(line) == line


def test_one_photo_keeps_one_name(redactor: Redactor) -> None:
    """So that its story can be followed; and the kind of file is left."""
    first, again = (redactor.text(f"{FOLDER}/Anna 1.HEIC{end}") for end in ("", ": cut off"))
    assert first.startswith("<folder 1>/")
    assert first.endswith(".heic")
    assert again == f"{first}: cut off"
    assert redactor.text(f"{FOLDER}/Anna 2.HEIC") != first


def test_a_folder_is_no_prefix_of_another(redactor: Redactor) -> None:
    """/p is not the beginning of /photos."""
    assert "<folder" not in Redactor({}, ["/p"]).text("/photos/x.jpg")


def test_photosd_and_python_are_named() -> None:
    """Stacks stay readable."""
    import photosd as package

    text = Redactor({"state": Path("/s/state")}).text(
        f'File "{Path(package.__file__).parent}/runtime/main.py", line 3; /s/state/logs/photosd.log'
    )
    assert text == 'File "<photosd>/runtime/main.py", line 3; <state>/logs/photosd.log'


def read(archive: Path) -> dict[str, bytes]:
    """Every file in it by its name."""
    texts = {}
    with tarfile.open(archive) as tar:
        for member in tar.getmembers():
            file = tar.extractfile(member)
            assert file is not None
            texts[member.name.split("/", 1)[1]] = file.read()
    return texts


def test_the_report(well: Home, photosd: Photosd, tmp_path: Path, healthy: Path) -> None:
    """Everything is in it, it is for one's own eyes, and it is redacted throughout."""
    with well.log.open("a") as log:
        for line in LINES:
            log.write(json.dumps(line) + "\n")
        log.write("no JSON: /media/elsewhere/Anna.jpg\n")
    kept = json.loads((well.config / "folders.json").read_text())
    kept.append({**kept[0], "path": FOLDER})
    (well.config / "folders.json").write_text(json.dumps(kept))
    well.stacks.write_text("Fatal Python error: Aborted\n")
    archive = tmp_path / "report.tar.gz"
    ran = photosd("bugreport", "-o", str(archive))
    assert ran.code == 0, ran
    assert archive.stat().st_mode & 0o777 == 0o600
    texts = read(archive)
    assert {"README.txt", "versions.json", "status.json", "doctor.json", "settings.json",
            "logs/photosd.log", "logs/stacks.txt"} <= set(texts)  # fmt: skip
    assert json.loads(texts["versions.json"])["libraries"]["lancedb"] != "not installed"
    assert json.loads(texts["status.json"])["code"] == "not_running"
    assert b"encoder_died" in texts["logs/photosd.log"]
    personal = [*SECRETS, str(healthy), str(well.state), getpass.getuser()]
    for name, text in texts.items():
        words = text.decode()
        left = [secret for secret in personal if secret in words and secret != "root"]
        assert not left or name == "README.txt", (name, left)


def test_crash_reports_of_macos_are_in_it(
    home: Home, photosd: Photosd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those about photosd, without names; macOS escapes each slash in them."""
    home.log.parent.mkdir(parents=True)
    plants.macs_report(home, monkeypatch, tmp_path)
    file = next(Path(crash_reports.REPORTS).glob("*140322.ips"))
    path = f"{FOLDER}/Anna.jpg".replace("/", "\\/")
    file.write_text(file.read_text().replace("/opt/homebrew/*/Python", path))
    archive = tmp_path / "report.tar.gz"
    assert photosd("bugreport", "-o", str(archive)).code == 0
    (name,) = (name for name in read(archive) if name.startswith("crashes/"))
    text = read(archive)[name].decode()
    assert name == "crashes/4242.ips"
    assert "__pthread_kill" in text
    assert not [secret for secret in SECRETS if secret in text]


def test_an_existing_file_is_not_overwritten(home: Home, photosd: Photosd, tmp_path: Path) -> None:
    """It may be the last report."""
    (tmp_path / "mine").write_text("precious")
    ran = photosd("bugreport", "-o", str(tmp_path / "mine"))
    assert ran.code == 2
    assert (tmp_path / "mine").read_text() == "precious"
