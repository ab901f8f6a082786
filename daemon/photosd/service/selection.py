"""Which service manager this machine has, and whether photosd is its service."""

from __future__ import annotations

import os
import sys

from photosd.service.manager import Service
from photosd.service.service_spec import ServiceError, ServiceSpec


def this_service(*, strict: bool = False) -> Service:
    """The service for this machine, and for the home in the environment."""
    if sys.platform == "darwin":
        from photosd.service.launchd import Launchd

        return Launchd(ServiceSpec.here())
    from photosd.service.systemd import Systemd

    return Systemd(ServiceSpec.here(), strict=strict)


def installed_service() -> Service | None:
    """The service if installed for this home; else None."""
    service = this_service()
    return service if service.serves() == ServiceSpec.here().serves else None


def refuse_root() -> None:
    """Raises ServiceError for root: it would watch root's photos, not yours."""
    if os.getuid() == 0:
        raise ServiceError(
            "photosd is a user service, not a system service, and this is root",
            remedy="the same command without sudo   (--print shows the files to anyone)",
        )
