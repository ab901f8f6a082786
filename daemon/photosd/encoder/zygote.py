"""``python -m photosd.encoder.zygote FD PARENT``: imports once, forks encoders (Linux).

Importing torch and open_clip takes most of an encoder's start. This process only imports: after
tensor work a fork hangs in OpenMP (docs/adr/0008). It reaps an encoder only on request, so that the
pid the daemon kills is never reused.

Requests are datagrams: ``{"fork": MODEL_DIRECTORY, "device": DEVICE}`` with the encoder's socket
and its stderr as descriptors, without reply (the encoder reports itself); ``{"reap": PID}``,
answered with the exit code.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import socket
import sys
from pathlib import Path

from photosd.core.errors import PhotosdError
from photosd.core.worker_setup import attach, tie
from photosd.encoder.process import Reporter, import_everything, run_encoder
from photosd.models.spec import read_model

ORDER_BYTES = 64 << 10


def main() -> None:
    """Serve until the daemon closes the socket."""
    control = attach(sys.argv[1:3])
    while True:
        data, descriptors, _flags, _address = socket.recv_fds(control, ORDER_BYTES, 2)
        if not data:
            os._exit(0)
        order = json.loads(data)
        if "fork" in order:
            sock = socket.socket(fileno=descriptors[0])
            with sock, os.fdopen(descriptors[1], "wb") as stderr:
                _fork(control, sock, stderr.fileno(), Path(order["fork"]), order["device"])
        else:
            control.send(json.dumps({"code": _reap(order["reap"])}).encode())


def _fork(
    control: socket.socket, sock: socket.socket, stderr: int, directory: Path, device: str
) -> None:
    # The encoder reports problems of the model.
    with contextlib.suppress(PhotosdError, OSError):
        import_everything(read_model(directory), Reporter(sock))
    gc.freeze()  # a garbage collection in the encoder would copy every page it visits
    zygote = os.getpid()
    if os.fork():
        return
    status = 1
    try:
        os.setsid()
        tie(zygote)
        control.close()
        os.dup2(stderr, 1)
        os.dup2(stderr, 2)
        run_encoder(sock, directory, device)
        status = 0
    except BaseException:  # the zygote's loop must not continue in its child
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stderr.flush()
        os._exit(status)


def _reap(pid: int) -> int | None:
    """Exit code of an ended encoder as in subprocess; None if it runs, or is not ours."""
    with contextlib.suppress(ChildProcessError):
        found, status = os.waitpid(pid, os.WNOHANG)
        return os.waitstatus_to_exitcode(status) if found else None
    return None


if __name__ == "__main__":
    main()
