"""Checks of the service, if photosd is started at login."""

from __future__ import annotations

from photosd.doctor.finding import Findings, fault, ok, warning
from photosd.doctor.patient import Patient
from photosd.service.here import this_service
from photosd.service.recipe import ServiceError

INSTALL = "photosd service install"


def service(patient: Patient) -> Findings:
    """If installed for this home: current, enabled and not failed."""
    try:
        manager = this_service()
        serves = manager.serves()
        status = manager.status() if serves is not None else None
    except (ServiceError, OSError) as error:
        yield warning("service", f"the state of the service is unknown: {error}", INSTALL)
        return
    if serves is None or status is None:
        yield ok("service", f"not installed; `{INSTALL}` starts photosd at login")
    elif serves != str(patient.home.state):
        yield ok("service", f"installed for another home ({serves})")
    elif not status.installed:
        yield fault("service", "one of its two units is missing", INSTALL, *INSTALL.split()[1:])
    elif not status.current:
        yield fault(
            "service",
            "its files differ from this photosd's (moved, updated or edited)",
            INSTALL,
            *INSTALL.split()[1:],
        )
    elif status.state.startswith("failed"):
        remedy = "photosd logs; then: photosd start"
        yield fault(
            "service", f"{status.manager} cannot keep it running: {status.state}", remedy, "start"
        )
    elif status.trouble:
        yield warning(
            "service", f"{status.manager} restarts it often: {status.trouble}", "photosd logs"
        )
    elif not status.enabled and status.state != "unknown":
        yield warning("service", "not enabled at login", INSTALL, *INSTALL.split()[1:])
    else:
        yield ok("service", f"{status.manager}: {status.state}")
