"""A decoder process: reads one file at a time for the daemon and returns small pixels."""

from __future__ import annotations

import contextlib
import resource
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from photosd.core import typed
from photosd.core.formats import is_raw_name
from photosd.core.frames import receive_frame, send_frame
from photosd.core.progress import reporting
from photosd.core.worker_setup import attach, lower_priority
from photosd.decode import damage, facts, heif_tiles, pixels, previews, raw, reading
from photosd.decode.decode_errors import DecodeFailed
from photosd.decode.limits import END_BYTES, HEAD_BYTES, MIB, DecodeLimits
from photosd.decode.messages import DecodeRequest, FailureReply, Reply, SidecarFacts, Source
from photosd.decode.opening import OpenedPicture, check_size, configure, open_picture

PROGRESS_SECONDS = 0.25
OPEN_FILES = 64
STDERR_BYTES = 16 * MIB
ADDRESSES_BESIDES = 1024 * MIB  # libraries, thread stacks and allocator arenas, mostly unused


class ProgressReporter:
    """Reports at intervals that the disk still delivers."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock, self._sent_at = sock, time.monotonic()

    def __call__(self) -> None:
        """Record that another piece was read."""
        if time.monotonic() - self._sent_at >= PROGRESS_SECONDS:
            send_frame(self._sock, Reply(reading=True).as_header())
            self._sent_at = time.monotonic()


def main() -> None:
    """Serve the daemon until it closes the socket. Arguments: FD PARENT LIMITS LANE."""
    sock = attach(sys.argv[1:3])
    limits = typed.from_json(sys.argv[3], DecodeLimits)
    limited = limit_resources(limits)
    if sys.argv[4] != "urgent":
        lower_priority()
    configure(limits)
    send_frame(sock, Reply(ready=True, unlimited=not limited).as_header())
    while True:
        try:
            header, _ = receive_frame(sock)
        except EOFError:
            return
        request = typed.convert(header, DecodeRequest, builtin_types=(bytes,))
        reply, blobs = _answer(sock, request, limits)
        send_frame(sock, reply.as_header(), blobs)


def _answer(
    sock: socket.socket, request: DecodeRequest, limits: DecodeLimits
) -> tuple[Reply, list[bytes]]:
    try:
        return _do(sock, request, limits)
    except Exception as error:
        failed = damage.explain(error, limits=limits)
        return Reply(
            failure=FailureReply(failed.code, failed.reason, failed.remedy, failed.transient)
        ), []


def _do(
    sock: socket.socket, request: DecodeRequest, limits: DecodeLimits
) -> tuple[Reply, list[bytes]]:
    with reporting(ProgressReporter(sock)):
        if (reply := _without_decoding(request, limits)) is not None:
            return reply, []
        data, identity = reading.read(request.path, limits)
    send_frame(sock, Reply(read=True).as_header())
    try:
        picture = _open(request, data, limits)
        if request.op == "thumbnail":
            wanted = pixels.fitting(picture.size, (max(request.box), max(request.box)))
            _announce(sock, picture)
            shown, _ = _to_decode(picture, request, data, limits, wanted, 1.0)
            data, size = pixels.thumbnail(shown, request.box, request.form)
            return Reply(identity=identity, size=size), [data]
        if request.op == "facts":
            if picture.format == "PNG":  # its metadata may follow the pixels
                picture.image.load()
            return Reply(identity=identity, facts=facts.of(picture, data)), []
        if request.shape is None:
            raise DecodeFailed("internal", "the request has no shape")
        wanted = pixels.wanted_size(picture, request.shape)
        _announce(sock, picture)
        shown, source = _to_decode(picture, request, data, limits, wanted, previews.ENOUGH)
        tiles = pixels.squares(shown, request.shape)
    except (DecodeFailed, MemoryError):
        raise
    except Exception as error:
        raise damage.explain(error, data) from error
    found = facts.of(picture, data)
    return Reply(identity=identity, facts=found, tiles=len(tiles), source=source), tiles


def _without_decoding(request: DecodeRequest, limits: DecodeLimits) -> Reply | None:
    """The reply to a request that needs no picture, if it does not."""
    if request.op == "identify":
        return Reply(identity=reading.identify(request.path))
    if request.op == "facts":
        return _facts_of_head(request.path, limits)
    if request.op == "sidecars":
        return Reply(sidecars=tuple(map(_of_sidecars, request.sidecars)))
    return None


def _of_sidecars(files: Sequence[bytes]) -> SidecarFacts | None:
    """Their facts; None if they cannot be read now."""
    try:
        return facts.of_sidecars(files)
    except OSError:
        return None


def _facts_of_head(path: bytes, limits: DecodeLimits) -> Reply | None:
    """The facts of a JPEG, whose metadata precedes the pixels; None if that does not suffice."""
    data, end, identity = reading.ends(path, HEAD_BYTES, END_BYTES)
    if not data.startswith(b"\xff\xd8\xff") or is_raw_name(path):
        return None
    try:
        return Reply(identity=identity, facts=facts.of(open_picture(data, limits), end))
    except Exception:  # there is more metadata than expected, or it is damaged
        return None


def _open(request: DecodeRequest, data: bytes, limits: DecodeLimits) -> OpenedPicture:
    if is_raw_name(request.path):
        return raw.open_raw(data, limits)
    return open_picture(data, limits, check=request.op == "facts")


def _announce(sock: socket.socket, picture: OpenedPicture) -> None:
    """Tell how much is to be decoded: the time limit depends on it."""
    megapixels = picture.size[0] * picture.size[1] / 1e6
    send_frame(sock, Reply(megapixels=megapixels).as_header())


def _to_decode(
    picture: OpenedPicture,
    request: DecodeRequest,
    data: bytes,
    limits: DecodeLimits,
    wanted: tuple[int, int],
    share: float,
) -> tuple[OpenedPicture, Source]:
    """What costs least: the preview with this share of the ``wanted`` pixels, if permitted; the
    picture tile by tile; ``picture``. And which of them it is.
    """
    if is_raw_name(request.path):
        return picture, "only preview" if picture.image.format else "full"
    if request.previews and (found := previews.find(data, picture, wanted, limits, share)):
        return found, "preview"
    if limits.max_megapixels:
        check_size(picture, limits)
    if picture.format == "HEIF" and (found := heif_tiles.tile_by_tile(data, picture, wanted)):
        return found, "full"
    check_size(picture, limits)
    return picture, "full"


def limit_resources(limits: DecodeLimits) -> bool:
    """Limit the resources a hostile file can use; returns whether memory is limited.

    macOS refuses to limit it; there the daemon watches it (`decode.decoder`).
    """
    addresses = _address_space() + limits.memory + limits.file_bytes + ADDRESSES_BESIDES
    _limit(resource.RLIMIT_FSIZE, STDERR_BYTES)
    _limit(resource.RLIMIT_NOFILE, OPEN_FILES)
    return _limit(resource.RLIMIT_AS, addresses)


def _limit(what: int, most: int) -> bool:
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(what, (most, most))
        return True
    return False


def _address_space() -> int:
    """Bytes of address space in use, if known."""
    with contextlib.suppress(OSError):
        return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    return 0


if __name__ == "__main__":
    main()
