"""Checks of directories, settings, socket, disk space and the model's files."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

from photosd.core import settings_file
from photosd.core.errors import ModelError
from photosd.doctor.context import CheckContext
from photosd.doctor.finding import Finding, Findings, failed, fault, ok, warning
from photosd.models.spec import STARTER, ModelSpec, read_model

MB = 1_000_000
SPACE_NEEDED = 200 * MB  # below it, SQLite and LanceDB soon fail to write
SPACE_WANTED = 1000 * MB
INODES_WANTED = 1000
DEEPEST = 6

BLOCK = 4 << 20
STARTER_REMEDY = "install photosd again"
OTHER_REMEDY = "install the model again, or: photosd model use starter"


def directories(context: CheckContext) -> Findings:
    """Each of photosd's directories is real, owned by the user, writable and private."""
    home = context.home
    wrong = False
    for place in (home.runtime, home.state, home.index, home.log.parent, home.config):
        # Only the runtime directory may not be a link: others could create one in /tmp.
        for finding in _directory(place, real=place == home.runtime, private=place != home.config):
            wrong = True
            yield finding
    if not wrong:
        yield ok("directories", f"only you can access {home.state} and photosd's other directories")


def _directory(place: Path, *, real: bool, private: bool) -> Findings:
    try:
        status = place.lstat() if real else place.stat()
    except FileNotFoundError:
        yield from _can_be_made(place)
        return
    except OSError as error:
        yield fault("directories", f"{place}: {error.strerror}", f"check {place.parent}")
        return
    if not stat.S_ISDIR(status.st_mode):
        kind = "a symbolic link" if stat.S_ISLNK(status.st_mode) else "not a directory"
        yield fault("directories", f"{place} is {kind}", f"rm '{place}'")
    elif status.st_uid != os.getuid():
        remedy = f"sudo chown -R {os.getuid()} '{place}'"
        yield fault("directories", f"{place} belongs to another user ({status.st_uid})", remedy)
    elif private and stat.S_IMODE(status.st_mode) & 0o077:
        mode = stat.S_IMODE(status.st_mode)
        yield Finding(
            "directories",
            "fault",
            f"{place} is open to others (mode {mode:04o})",
            f"chmod 700 '{place}'",
            repair=lambda: place.chmod(0o700),
        )
    elif reason := _why_not_writable(place):
        yield fault("directories", f"{place} cannot be written: {reason}", f"chmod u+rwx '{place}'")


def _can_be_made(place: Path) -> Findings:
    """It may be missing, but then a parent must be a directory of this user."""
    above = place
    for _ in range(DEEPEST):
        above = above.parent
        if above.exists():
            break
    if not above.is_dir() or not os.access(above, os.W_OK | os.X_OK):
        yield fault(
            "directories",
            f"{place} cannot be created: you cannot write to {above}",
            f"make {above} writable, or set PHOTOSD_HOME to another directory",
        )


def _why_not_writable(place: Path) -> str | None:
    """Tested by writing: permissions, a read-only disk and a full one cannot be told apart
    otherwise.
    """
    probe = place / f".photosd-doctor-{os.getpid()}"
    try:
        probe.touch(mode=0o600)
        probe.unlink()
    except OSError as error:
        return error.strerror
    return None


def settings(context: CheckContext) -> Findings:
    """The settings file is readable and valid."""
    problems = settings_file.read(context.home.settings).problems
    for problem in problems:
        yield fault("settings", problem.says, problem.remedy)
    if not problems:
        yield ok("settings", f"{context.home.settings} is valid")


def socket_file(context: CheckContext) -> Findings:
    """The file at the socket's path."""
    path = context.home.socket
    try:
        status = path.lstat()
    except OSError:
        return  # another check tests whether a daemon should run
    if not stat.S_ISSOCK(status.st_mode):
        yield fault("socket", f"{path} is not a socket", f"rm '{path}'")
    elif status.st_uid != os.getuid():
        yield fault("socket", f"{path} belongs to another user ({status.st_uid})", f"rm '{path}'")
    elif stat.S_IMODE(status.st_mode) & 0o077:
        yield Finding(
            "socket",
            "fault",
            f"{path} may be opened by others (mode {stat.S_IMODE(status.st_mode):04o})",
            f"chmod 600 '{path}'",
            repair=lambda: path.chmod(0o600),
        )
    else:
        yield ok("socket", f"only you can read {path}")


def space(context: CheckContext) -> Findings:
    """There is space for the index to grow, in bytes and in files."""
    place = _existing(context.home.state)
    free = shutil.disk_usage(place).free
    system = os.statvfs(place)
    remedy = (
        f"free space on the disk of {place}, or move photosd's home: set PHOTOSD_HOME to a"
        " directory on another disk"
    )
    if free < SPACE_NEEDED:
        yield fault("disk space", f"only {free / MB:,.0f} MB are free at {place}", remedy)
    elif system.f_files and system.f_favail < INODES_WANTED:
        yield fault("disk space", f"no more files can be created at {place}", remedy)
    elif free < SPACE_WANTED:
        yield warning("disk space", f"{free / MB:,.0f} MB are free at {place}", remedy)
    else:
        yield ok("disk space", f"{free / 1e9:,.0f} GB free")


def _existing(place: Path) -> Path:
    while not place.exists() and place != place.parent:
        place = place.parent
    return place


def model_files(context: CheckContext) -> Findings:
    """The weights match their digest, and the tokenizer can be read."""
    directory = context.model_directory
    remedy = STARTER_REMEDY if directory == STARTER else OTHER_REMEDY
    try:
        spec = read_model(directory)
    except ModelError as error:
        yield failed("model files", error)
        return
    weights = directory / spec.weights.file
    try:
        whole = _digest(weights) == spec.weights.xxh3
    except OSError as error:
        yield fault("model files", f"{weights} cannot be read: {error.strerror}", remedy)
        return
    if not whole:
        yield fault("model files", f"{weights} is damaged: its digest does not match", remedy)
    elif wrong := _tokenizer_trouble(spec, directory):
        yield fault("model files", wrong, remedy)
    else:
        yield ok("model files", f"{spec.name}: weights and tokenizer are intact")


def _digest(file: Path) -> str:
    import xxhash

    digest = xxhash.xxh3_128()
    with file.open("rb") as stream:
        while block := stream.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _tokenizer_trouble(spec: ModelSpec, directory: Path) -> str | None:
    """Why the tokenizer is unusable, if it is; the one bundled with open_clip is not checked."""
    if spec.tokenizer.words and not (directory / spec.tokenizer.words).is_file():
        return f"{directory / spec.tokenizer.words} is missing"
    if spec.tokenizer.kind != "tokenizers":
        return None
    from tokenizers import Tokenizer

    file = directory / (spec.tokenizer.file or "")
    try:
        Tokenizer.from_file(str(file)).encode("sunset שקיעה 🌅")
    except Exception as error:  # the library raises bare Exception
        return f"{file} cannot be used: {error}"
    return None
