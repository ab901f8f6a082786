"""Checks of the cloud, run only on request, because they use the network."""

from __future__ import annotations

import datetime

from photosd.core.errors import CloudNotPermitted, PhotosdError
from photosd.core.prices import GEMINI, Prices
from photosd.doctor.finding import Findings, failed, fault, ok, unknown, warning
from photosd.doctor.patient import Patient


def cloud(patient: Patient) -> Findings:
    """Gemini's key, address, models and vectors, tested by the daemon without user data."""
    checked = patient.cloud_check
    if checked is None:
        yield unknown("cloud", "not tested: the daemon does not answer, or is older")
    elif isinstance(checked, CloudNotPermitted):
        yield warning("cloud", f"not tested: {checked}", checked.remedy)
    elif isinstance(checked, PhotosdError):
        yield failed("cloud", checked)
    else:
        yield from prices(GEMINI, datetime.datetime.now(datetime.UTC).date())
        for one in checked["checks"]:
            if one["ok"]:
                yield ok(one["what"], one["says"])
            else:
                yield fault(one["what"], one["says"], one["remedy"] or "photosd logs")


def prices(known: Prices, today: datetime.date) -> Findings:
    """Whether the bundled models and prices are outdated."""
    says = f"models and prices were read on {known.read}"
    if known.is_old(today):
        yield warning(
            "cloud prices",
            f"{says}: they may have changed",
            f"upgrade photosd, or compare with {known.source}: photosd config set "
            "cloud.text_model, cloud.usd_per_million_in, cloud.usd_per_million_out",
        )
    else:
        yield ok("cloud prices", says)
