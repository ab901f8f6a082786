"""The check that is made only when asked for: it is the one that uses the network."""

from __future__ import annotations

from photosd.core.errors import CloudNotPermitted, PhotosdError
from photosd.doctor.finding import Findings, failed, fault, ok, unknown, warning
from photosd.doctor.patient import Patient


def cloud(patient: Patient) -> Findings:
    """Gemini's key, address, models and vectors, tried by the daemon with nothing of yours."""
    checked = patient.cloud_check
    if checked is None:
        yield unknown("cloud", "not tried: the daemon does not answer, or is older")
    elif isinstance(checked, CloudNotPermitted):
        yield warning("cloud", f"not tried: {checked}", checked.remedy)
    elif isinstance(checked, PhotosdError):
        yield failed("cloud", checked)
    else:
        for one in checked["checks"]:
            if one["ok"]:
                yield ok(one["what"], one["says"])
            else:
                yield fault(one["what"], one["says"], one["remedy"] or "photosd logs")
