"""Downloads a model's files from the hub, into a directory that survives a failure."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from photosd.core.errors import BadRequest, DownloadFailed, NotFound
from photosd.encoder.install.hub import Checksums, Hub, HubFile
from photosd.encoder.install.model_spec import PREFERRED, InstallOrder, Say, require_room
from photosd.encoder.install.tokenizer_files import FILE as TOKENIZER
from photosd.encoder.install.tokenizer_files import SETTINGS, needs_files
from photosd.encoder.openclip_import import import_pretrained_table
from photosd.models.architectures import architecture
from photosd.models.registry import directory_of_name
from photosd.models.spec import ModelSpec

PULLING = ".pull-"  # kept after a failure, so that the next attempt resumes
TIMES_THE_WEIGHTS = 2.5  # maximum on disk: the download, and two precisions of it

ReportBytes = Callable[[str, int, int], None]  # the file, bytes received, total bytes


def pull(
    order: InstallOrder, say: Say, report_bytes: ReportBytes, warn: Say
) -> tuple[ModelSpec, str | None]:
    """Download and install the model of ``order``; as `install`, or raises DownloadFailed.

    ``say`` reports progress, ``warn`` warnings.
    """
    models = Path(order.models)
    if directory_of_name(models, order.name).exists():
        raise BadRequest(
            f"a model called {order.name!r} exists already",
            remedy=f"photosd model use {order.name}",
        )
    say("asking the hub")
    repository, names = weights_of(order)
    hub = Hub()
    weights = hub.look(repository, names)
    if weights is None:
        raise DownloadFailed(
            f"{hub.endpoint}/{repository} has none of {', '.join(names)}",
            remedy="choose another: photosd model list",
        )
    files = [weights, *_tokenizer(hub, order)]
    checksums = Checksums(models)
    if unannounced := [remote.name for remote in files if remote.sha256 is None]:
        warn(
            f"{hub.endpoint} announces no SHA-256 of {', '.join(unannounced)}; photosd records it "
            f"at the first download and compares it from then on ({checksums.file})"
        )
    require_room(models, int(weights.size * TIMES_THE_WEIGHTS))
    with _turn(models, order.name) as directory:
        for remote in files:
            hub.download(
                remote,
                directory,
                lambda there, total, name=remote.name: report_bytes(name, there, total),  # type: ignore[misc]
                checksums,
            )
        source = directory / weights.name
        from photosd.encoder.install.installing import install  # torch, a second or two

        result = install(msgspec.structs.replace(order, source=str(source)), say)
        shutil.rmtree(directory, ignore_errors=True)
    return result


def weights_of(order: InstallOrder) -> tuple[str, tuple[str, ...]]:
    """The repository of a tag, and what its weights may be called there."""
    table = import_pretrained_table()
    arch = order.arch or ""
    found = table.get_pretrained_cfg(arch, order.tag or "")
    place = found.get("hf_hub", "")
    if not place:
        tags = ", ".join(table.list_pretrained_tags_by_model(arch)) or "none"
        raise NotFound(
            f"open_clip has no {arch}/{order.tag} on the hub; tags of {arch}: {tags}",
            remedy="photosd model list; or download it by hand, then: photosd model import",
        )
    repository, _, name = place.rpartition("/")
    return repository, (name,) if name else PREFERRED


def _tokenizer(hub: Hub, order: InstallOrder) -> list[HubFile]:
    """The tokenizer's files, where the architecture needs any."""
    text_cfg = architecture(order.arch or "")["text_cfg"]
    if not needs_files(text_cfg):
        return []
    repository = text_cfg["hf_tokenizer_name"]
    found = [hub.look(repository, (name,)) for name in (TOKENIZER, *SETTINGS)]
    if found[0] is None:
        raise DownloadFailed(
            f"{hub.endpoint}/{repository} has no {TOKENIZER}",
            remedy="choose another: photosd model list",
        )
    return [remote for remote in found if remote is not None]


@contextlib.contextmanager
def _turn(models: Path, name: str) -> Iterator[Path]:
    """The directory to download ``name`` into, for one process at a time."""
    directory = models / f"{PULLING}{name.replace('/', '--')}"
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(directory, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DownloadFailed(
                f"{name} is being pulled already", remedy="wait for the other command"
            ) from error
        yield directory
    finally:
        os.close(handle)
