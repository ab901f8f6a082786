"""The socket: a private directory, a lock that decides which process serves, a bound socket.

Only the flock decides which process serves; a socket file found while holding it is stale. (A POSIX
`lockf` lock would be lost when any descriptor of the file is closed, and asyncio's binding by path
unlinks a socket in use.)
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import socket
import stat
import time
from dataclasses import dataclass
from pathlib import Path

from photosd.core.errors import AlreadyRunning, StorageError, Unreachable
from photosd.core.paths import Home
from photosd.core.socketpath import ANSWERS, VARIABLE

LOCK_TRIES, LOCK_PAUSE = 10, 0.02  # seconds
BACKLOG = 1024  # when full, clients get EAGAIN, which they do not expect
MARK_SECONDS = 3600.0  # between two marks of the socket as used


@dataclass
class Endpoint:
    """A listening socket and the lock for it."""

    listener: socket.socket
    path: Path
    lock: int
    inherited: bool
    identity: tuple[int, int]

    def intact(self) -> bool:
        """Whether the socket file is still the one that was bound."""
        try:
            status = os.lstat(self.path)
        except OSError:
            return False
        return (status.st_dev, status.st_ino) == self.identity

    def renew(self, home: Home) -> bool:
        """Bind again if the socket file was removed or replaced; returns whether that was needed.

        Raises AlreadyRunning if the lock file was removed and another daemon has made a new one, or
        Unreachable. A file in place of the service manager's socket is left.
        Also keeps the system from deleting the file as not used.
        """
        if self.intact() or (self.inherited and os.path.lexists(self.path)):
            self._mark_used()
            return False
        secure_directory(home.runtime)
        if not _same_file(self.lock, home.lock):
            lock = take_lock(home.lock, home.socket)
            os.close(self.lock)
            self.lock = lock
        self.listener = _bind(self.path)
        self.identity, self.inherited = _identity(self.path), False
        return True

    def _mark_used(self) -> None:
        """Systems delete temporary files that were not used for days: macOS after three."""
        with contextlib.suppress(OSError):
            if time.time() - os.lstat(self.path).st_atime > MARK_SECONDS:
                os.utime(self.path)

    def close(self) -> None:
        """Stop listening; a socket from the service manager stays in place."""
        if not self.inherited and self.intact():
            self.path.unlink(missing_ok=True)
        self.listener.close()

    def release(self) -> None:
        """Release the lock, last of all: the next holder opens catalog and index."""
        if not self.inherited:
            shutil.rmtree(self.path.parent / ANSWERS, ignore_errors=True)
            with contextlib.suppress(OSError):  # unless other files are in it
                self.path.parent.rmdir()
        os.close(self.lock)


def open_endpoint(home: Home) -> Endpoint:
    """Take the lock and listen; raises AlreadyRunning, or Unreachable naming what is unsafe."""
    lock = take_lock(
        home.lock, home.socket
    )  # first: the previous holder removes the directory when it ends
    try:
        secure_directory(home.runtime)
        listener = inherited_socket()
        if listener is not None:
            path = Path(os.fsdecode(listener.getsockname()))
            if os.path.lexists(path):
                return Endpoint(listener, path, lock, True, _identity(path))
            listener.close()  # its file was removed: clients can no longer connect
        listener = _bind(home.socket)
        return Endpoint(listener, home.socket, lock, False, _identity(home.socket))
    except BaseException:
        os.close(lock)
        raise


def secure_directory(directory: Path) -> None:
    """Make ``directory`` a real directory that only this user can enter."""
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        directory.mkdir(mode=0o700, exist_ok=True)
        status = directory.lstat()
    except OSError as error:
        raise Unreachable(
            f"{directory} cannot be created: {error.strerror}",
            remedy=f"Set {VARIABLE} to a directory that you own",
        ) from error
    if not stat.S_ISDIR(status.st_mode):
        raise Unreachable(f"{directory} is not a directory", remedy=f"rm '{directory}'")
    if status.st_uid != os.getuid():
        raise Unreachable(
            f"{directory} belongs to another user (uid {status.st_uid})",
            remedy=f"Remove it: sudo rm -r '{directory}'. "
            f"Or set {VARIABLE} to a directory that you own",
        )
    if stat.S_IMODE(status.st_mode) & 0o077:
        directory.chmod(0o700)


def take_lock(path: Path, address: Path) -> int:
    """The descriptor of the held lock; raises AlreadyRunning if another daemon holds it.

    ``address``, where this daemon will listen, is written into it for people, with the pid.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise StorageError(
            f"{path} cannot be opened: {error.strerror}",
            remedy=f"Make {path.parent} writable, or set PHOTOSD_HOME to another directory",
        ) from error
    if not _locked(descriptor):
        words = os.pread(descriptor, 4096, 0).decode("utf-8", "replace").split("\n")
        os.close(descriptor)
        pid, where = words[0] or "unknown", words[1] if len(words) > 1 else ""
        raise AlreadyRunning(
            f"another daemon (pid {pid}) uses the same directories"
            + (f" on {where}" if where else ""),
            remedy="photosd status"
            if where in ("", str(address))
            else f"This shell has another {VARIABLE}. Use: PHOTOSD_SOCKET='{where}' photosd status",
        )
    with contextlib.suppress(OSError):  # a full disk; only the lock matters
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n{address}\n".encode(errors="replace"), 0)
    return descriptor


def _locked(descriptor: int) -> bool:
    """Take the lock; retries, since clients briefly hold it to test whether it is free."""
    for _ in range(LOCK_TRIES):
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        time.sleep(LOCK_PAUSE)
    return False


def inherited_socket() -> socket.socket | None:
    """The listening Unix socket from systemd (sd_listen_fds(3)), if any."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        return None
    if os.environ.get("LISTEN_FDS") != "1":
        raise Unreachable(
            f"the service manager passed {os.environ.get('LISTEN_FDS')} sockets, one is expected",
            remedy="Pass exactly one; see sd_listen_fds(3)",
        )
    for name in ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"):
        os.environ.pop(name, None)  # not for our workers
    os.set_inheritable(3, False)
    return socket.socket(fileno=3)


def _bind(path: Path) -> socket.socket:
    """Bind and listen; a stale socket is removed, any other file is not."""
    if path.exists() or path.is_symlink():
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise Unreachable(f"{path} is not a socket", remedy=f"rm '{path}'")
        path.unlink()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listener.bind(os.fsencode(path))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise Unreachable(f"{path} cannot be bound: {error}", remedy="photosd sockname") from error
    finally:
        os.umask(before)
    return listener


def _same_file(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.lstat(path))
    except OSError:
        return False


def _identity(path: Path) -> tuple[int, int]:
    status = os.lstat(path)
    return status.st_dev, status.st_ino
