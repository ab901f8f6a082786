"""Text about the cloud for `photosd cloud` and `photosd status`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from photosd_cli import text

if TYPE_CHECKING:
    from photosd.protocol.replies import CloudCall, CloudReport

LABEL = 10
# Messages for a reply's fallback_reason, in one dim line below the answer.
REASONS = {
    "offline": "Gemini cannot be reached",
    "deadline": "Gemini was too slow",
    "quota": "Gemini's quota is used up",
    "key": "there is no key for Gemini",
    "auth": "Gemini does not accept the key",
    "model": "Gemini does not know the model",
    "server": "Gemini has an internal error",
    "bad_answer": "Gemini's answer was invalid",
    "refused": "Gemini refused the request",
    "budget": "the monthly budget is spent",
    "busy": "too many requests to Gemini",
    "nothing_sent": "Gemini has no photos yet",
    "consent": "the cloud is not enabled",
    "composed": "only plain descriptions are sent",
    "encoder": "the local model did not answer",
    "storage": "the log of calls cannot be written",
}


def fallback(mode: str, reason: str) -> str:
    """Why an answer was made without the cloud."""
    words = REASONS.get(reason, reason)
    return text.inert(f"{mode}: {words}; local results (photosd cloud status)")


def lines(report: CloudReport) -> list[str]:
    """A page about the cloud."""
    rows = [("mode", _mode(report))]
    if report["consent_at"] is not None:
        day = time.strftime("%Y-%m-%d", time.localtime(report["consent_at"]))
        agents = "with" if report.get("agents") else "without"
        rows.append(("consent", f"to {report['consent']}, {agents} agents, since {day}"))
    rows += [
        ("address", report["base_url"]),
        ("key", f"from {report['key']}" if report["key"] else "none"),
        (
            "month",
            f"${report['spent_usd']:.4f} of ${report['budget_usd']:.2f}, "
            f"{text.count(report['calls'], 'call')}",
        ),
        (
            "photos",
            f"{report['photos_sent']:,} sent of {report['photos_marked']:,} in marked folders"
            + (f", {report['photos_refused']:,} refused" if report["photos_refused"] else ""),
        ),
    ]
    if (trouble := report["trouble"]) is not None:
        rows.append(("trouble", trouble["message"]))
        rows.append(("", str(trouble["remedy"])))
        if report["closed_for_s"]:
            rows.append(("", f"no requests for {text.span(report['closed_for_s'])}"))
    return [text.inert(f"{label:<{LABEL}}{words}") for label, words in rows]


def brief(report: CloudReport) -> str:
    """One line for `photosd status`."""
    if report["wanted"] == "local":
        return "off"
    words = f"{_mode(report)}  ${report['spent_usd']:.4f} of ${report['budget_usd']:.2f} this month"
    if (trouble := report["trouble"]) is not None:
        words += f"  {trouble['message']}"
    return text.inert(words)


def doubts(report: CloudReport, mode: str) -> list[str]:
    """Warnings for a user who has just enabled ``mode``."""
    found = []
    if report["mode"] != mode:
        found.append(f"the mode is still {report['mode']}: EMBEDDING_MODE is {report['wanted']!r}")
    if mode == "gemini" and not report["photos_marked"]:
        found.append("no photo is marked yet: photosd add --cloud DIR")
    return found


def call_line(call: CloudCall) -> str:
    """One call in the log."""
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(call["at"]))
    items = text.count(call["items"], "item")
    return (
        f"{when}  {call['kind']:<12}  {items:<8}  {text.size(call['bytes']):>10}  "
        f"${call['usd']:.6f}  {call['outcome']:<10}  {call['model']}"
    )


def _mode(report: CloudReport) -> str:
    if report["mode"] == report["wanted"]:
        return report["mode"]
    return f"{report['mode']} ({report['wanted']} is wanted)"
