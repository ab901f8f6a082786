"""Downloads from the model hub with its own client: resumable, verified, with timeouts.

`hf_hub_download` restarts after an interruption and verifies no checksum, so its parts are used:
sessions (HF_ENDPOINT, proxies, mirrors, tokens), metadata and `http_get`.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple
from urllib.parse import urlparse

from photosd.core.atomic_write import sync
from photosd.core.errors import DownloadFailed
from photosd.core.secrets import shortened

FILE = "downloads.sha256"  # beside the models; in the format of sha256sum(1)
BLOCK = 4 << 20
LINE = re.compile(r"([0-9a-f]{64})  (\S.*)")
SHA256, GIT_SHA1 = re.compile(r"[0-9a-f]{64}"), re.compile(r"[0-9a-f]{40}")

METADATA_SECONDS = 10.0
PIECE_BYTES = 256 << 10
ETAG_CHARACTERS = 16  # characters of the etag in the name of a partial file: a new version restarts
SETTINGS = {
    "HF_HUB_DISABLE_XET": "1",  # its servers differ from the endpoint's; plain HTTP can resume
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
}
ReportBytes = Callable[[int, int], None]  # bytes received, total bytes


class Checksums:
    """SHA-256 of files for which the hub has none, recorded at first use.

    Trust on first use, as in ssh: later downloads must be identical. Lines are only added; users
    delete one to accept a new version.
    """

    def __init__(self, models: Path) -> None:
        self.file = models / FILE

    def known(self, name: str) -> str | None:
        """The recorded hash of ``repository/file``; raises DownloadFailed if unreadable."""
        try:
            lines = self.file.read_text("utf-8").splitlines()
        except FileNotFoundError:
            return None
        except (OSError, UnicodeError) as error:
            raise DownloadFailed(
                f"{self.file} cannot be read: {error}", remedy=f"make {self.file} readable"
            ) from error
        for line in lines:
            if (found := LINE.fullmatch(line)) and found[2] == name:
                return found[1]
        return None

    def record(self, name: str, digest: str) -> None:
        """Add a line, durably; raises OSError."""
        self.file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(self.file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with contextlib.closing(os.fdopen(handle, "wb")) as stream:
            stream.write(f"{digest}  {name}\n".encode())
            stream.flush()
            sync(stream.fileno())


def digests(file: Path) -> tuple[str, str]:
    """SHA-256 of the content, and its SHA-1 as a git blob; one pass."""
    sha256 = hashlib.sha256()
    git = hashlib.sha1(b"blob %d\0" % file.stat().st_size, usedforsecurity=False)
    with file.open("rb") as stream:
        while block := stream.read(BLOCK):
            sha256.update(block)
            git.update(block)
    return sha256.hexdigest(), git.hexdigest()


class HubFile(NamedTuple):
    """A file on the hub. ``etag`` may be a checksum, a mirror's own value, or empty."""

    repository: str
    name: str
    url: str
    headers: dict[str, str]
    etag: str
    size: int

    @property
    def path(self) -> str:
        """Repository and name."""
        return f"{self.repository}/{self.name}"

    @property
    def sha256(self) -> str | None:
        """The hub's SHA-256, if any: for git's own files it has git's SHA-1."""
        etag = self.etag.lower()
        return etag if SHA256.fullmatch(etag) else None

    @property
    def git_sha1(self) -> str | None:
        """The SHA-1 of a git blob, if the etag is one."""
        etag = self.etag.lower()
        return etag if GIT_SHA1.fullmatch(etag) else None


class Hub:
    """The client, imported and configured once."""

    def __init__(self) -> None:
        os.environ.update({name: value for name, value in SETTINGS.items()})
        import huggingface_hub
        from huggingface_hub import file_download

        # It would write pieces of ten megabytes; an interruption lost much on a slow line.
        huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE = PIECE_BYTES
        self._hub: Any = huggingface_hub
        self._transfer: Any = file_download
        self.endpoint = str(huggingface_hub.constants.ENDPOINT)

    def look(self, repository: str, names: tuple[str, ...]) -> HubFile | None:
        """The first of these files in the repository; None if there is none."""
        for name in names:
            with contextlib.suppress(self._hub.errors.EntryNotFoundError):
                return self._look(repository, name)
        return None

    def _look(self, repository: str, name: str) -> HubFile:
        url = self._hub.hf_hub_url(repository, name)
        headers = self._hub.utils.build_hf_headers()
        with self._explained(repository):
            found = self._hub.get_hf_file_metadata(url, timeout=METADATA_SECONDS)
        if found.size is None:
            raise DownloadFailed(
                f"{self.endpoint} does not report the size of {repository}/{name}",
                remedy="set HF_ENDPOINT to a hub or a mirror of one, or unset it",
            )
        asked, there = urlparse(url), urlparse(found.location)
        if (asked.scheme, asked.netloc) != (there.scheme, there.netloc):
            headers.pop("authorization", None)  # send the token only to the hub
        return HubFile(repository, name, found.location, headers, found.etag or "", found.size)

    def download(
        self, remote: HubFile, directory: Path, report_bytes: ReportBytes, checksums: Checksums
    ) -> Path:
        """The file in ``directory``, complete and verified; an existing file is verified as well.

        Its SHA-256 must be the hub's, else the recorded one in ``checksums``, else it is recorded
        now. Raises DownloadFailed.
        """
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        target = directory / remote.name
        expected = remote.sha256 or checksums.known(remote.path)
        if expected and target.is_file() and digests(target)[0] == expected:
            report_bytes(remote.size, remote.size)
            return target
        part = self._fetch(remote, directory, report_bytes)
        try:
            found = _verified(part, remote, expected, checksums)
        except DownloadFailed:
            part.unlink()
            raise
        if expected is None:
            with self._explained(remote.repository):
                checksums.record(remote.path, found)
        part.replace(target)
        return target

    def _fetch(self, remote: HubFile, directory: Path, report_bytes: ReportBytes) -> Path:
        """Download to a partial file; resumes an earlier attempt."""
        part = directory / f"{remote.name}.{_mark(remote.etag)}.part"
        if not remote.etag:
            part.unlink(missing_ok=True)  # its version is unknown
        with part.open("ab") as stream, self._explained(remote.repository):
            there = min(stream.tell(), remote.size)
            stream.truncate(there)
            counted = Counted(stream, lambda done: report_bytes(done, remote.size))
            self._transfer.http_get(
                remote.url,
                counted,
                resume_size=there,
                headers=dict(remote.headers),
                expected_size=remote.size,
            )
        return part

    @contextlib.contextmanager
    def _explained(self, repository: str) -> Iterator[None]:
        """Turns the client's errors into messages; a missing file is passed on."""
        errors, http = self._hub.errors, self._transfer.httpx2
        try:
            yield
        except errors.EntryNotFoundError:
            raise
        except (errors.GatedRepoError, errors.RepositoryNotFoundError) as error:
            raise DownloadFailed(
                f"{self.endpoint} has no public model {repository}",
                remedy=f"look at {self.endpoint}/{repository}; log in with: hf auth login",
            ) from error
        except errors.OfflineModeIsEnabled as error:
            raise DownloadFailed(
                "HF_HUB_OFFLINE forbids downloads", remedy="unset HF_HUB_OFFLINE"
            ) from error
        except errors.HfHubHTTPError as error:
            raise DownloadFailed(
                f"{self.endpoint} answered: {shortened(str(error).splitlines()[0], 200)}",
                remedy="try again later; received data is kept",
            ) from error
        except http.TimeoutException as error:
            raise DownloadFailed(
                f"{self.endpoint} does not answer", remedy=self._check_network()
            ) from error
        except http.TransportError as error:
            raise DownloadFailed(
                f"{self.endpoint} cannot be reached: {error}", remedy=self._check_network()
            ) from error
        except OSError as error:
            raise _local(error) from error

    def _check_network(self) -> str:
        return (
            "check the network, HTTPS_PROXY and HF_ENDPOINT, then try again: received data is "
            "kept; without a network: photosd model import"
        )


class Counted:
    """A file that reports how much has been written."""

    def __init__(self, stream: IO[bytes], report_bytes: Callable[[int], None]) -> None:
        self._stream, self._report_bytes = stream, report_bytes

    def write(self, data: bytes) -> int:
        """Append; OSError if the disk is full."""
        written = self._stream.write(data)
        self._report_bytes(self._stream.tell())
        return written

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _mark(etag: str) -> str:
    """The etag for a file name; a mirror's own value may contain any character."""
    return "".join(c if c.isalnum() else "-" for c in etag[:ETAG_CHARACTERS]) or "unmarked"


def _verified(part: Path, remote: HubFile, expected: str | None, checksums: Checksums) -> str:
    """The SHA-256 of the download; raises DownloadFailed if it does not match."""
    sha256, git = digests(part)
    size = part.stat().st_size
    if (
        size != remote.size
        or remote.sha256 not in (None, sha256)
        or remote.git_sha1 not in (None, git)
    ):
        raise DownloadFailed(
            f"the checksum of {remote.path} is not the announced one",
            remedy="try again; if it repeats, the mirror or proxy changes files",
        )
    if expected not in (None, sha256):
        raise DownloadFailed(
            f"{remote.path} is not the file that was pulled before: its SHA-256 is {sha256}, "
            f"{expected} is recorded in {checksums.file}",
            remedy=f"if its publisher has changed it, delete its line in {checksums.file} "
            "and try again",
        )
    return sha256


def _local(error: OSError) -> DownloadFailed:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DownloadFailed("the disk is full", remedy="free some space, then try again")
    # The client also reports a truncated file as an OSError.
    return DownloadFailed(
        f"the download was interrupted: {shortened(str(error).splitlines()[0], 200)}",
        remedy="try again: received data is kept",
    )
