"""Status messages for systemd: one datagram each (sd_notify(3)); silent without systemd."""

from __future__ import annotations

import contextlib
import os
import socket

NAMES = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")
SEND_SECONDS = 1.0


class SystemdNotifier:
    """The address, read once from the environment and removed from it for workers."""

    def __init__(self) -> None:
        found = {name: os.environ.pop(name, "") for name in NAMES}
        self._address = found["NOTIFY_SOCKET"]
        meant = found["WATCHDOG_PID"] in ("", str(os.getpid()))
        period = found["WATCHDOG_USEC"] if meant else ""
        self.watchdog_seconds = int(period) / 1e6 if period.isdigit() else None

    def send(self, **fields: str) -> None:
        """Send fields as named in sd_notify(3): ``READY="1"``, ``STATUS="…"``."""
        if not self._address:
            return
        address = self._address
        name = "\0" + address[1:] if address.startswith("@") else address
        message = "\n".join(f"{k}={v.replace(chr(10), ' ')}" for k, v in fields.items())
        # Errors must not affect the service.
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.settimeout(SEND_SECONDS)
            out.connect(name)
            out.sendall(message.encode("utf-8", "backslashreplace"))
