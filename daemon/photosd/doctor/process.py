"""Checks of the daemon, its service and Gemini: does it run, is it the right one, does it work?"""

from __future__ import annotations

import datetime
import os

import photosd
from photosd.alerts.delivery import WARNING
from photosd.core.config import GEMINI, Prices
from photosd.core.daemon_lock import lock_holder, lock_words
from photosd.core.errors import CloudNotPermitted, NotRunning, PhotosdError, Warming
from photosd.core.socketpath import VARIABLE
from photosd.doctor.context import CheckContext
from photosd.doctor.finding import Findings, failed, fault, ok, unknown, warning
from photosd.protocol.reports import EncoderReport, TextCheck
from photosd.service.selection import this_service
from photosd.service.service_spec import ServiceError

INSTALL = "photosd service install"

SLOW_MS = 500.0
SWAPPED_MB = 50.0
RESTART = "photosd restart"


def service(context: CheckContext) -> Findings:
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
    elif serves != str(context.home.state):
        yield ok("service", f"installed for another PHOTOSD_HOME ({serves})")
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


def cloud(context: CheckContext) -> Findings:
    """Gemini's key, address, models and vectors, tested by the daemon without user data."""
    checked = context.cloud_check
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


def daemon(context: CheckContext) -> Findings:
    """One daemon serves this home, and it answers."""
    hello, holder = context.hello, lock_holder(context.home)
    if isinstance(hello, PhotosdError):
        yield from _silent(context, hello, holder)
        return
    if holder is None:
        yield fault(
            "daemon",
            f"process {hello['pid']} answers, but holds no lock on {context.home.lock}",
            f"{RESTART}   (its files were removed)",
            "restart",
        )
    elif holder not in (0, hello["pid"]):
        yield fault(
            "daemon",
            f"process {hello['pid']} answers, but {holder} holds the lock: there are two daemons",
            f"kill {hello['pid']}; then: {RESTART}",
        )
    else:
        yield ok("daemon", f"running (pid {hello['pid']})")
    if isinstance(context.self_check, dict):
        for wrong in context.self_check["unwell"].values():
            yield fault("daemon", wrong, RESTART, "restart")


def _silent(context: CheckContext, error: PhotosdError, holder: int | None) -> Findings:
    if holder is None:
        if isinstance(error, NotRunning):
            yield fault("daemon", f"not running: {error}", "photosd start", "start")
        else:
            yield failed("daemon", error)
        return
    where = "".join(lock_words(context.home)[1:2])
    if isinstance(error, NotRunning) and where not in ("", str(context.home.socket)):
        yield fault(
            "daemon",
            f"it listens on {where}, but this session uses {context.home.socket}",
            f"use the {VARIABLE} it was started with, or: {RESTART}",
            "restart",
        )
    else:
        yield fault(
            "daemon",
            f"it runs (pid {holder or 'unknown'}) but does not answer: {error}",
            RESTART,
            "restart",
        )


def versions(context: CheckContext) -> Findings:
    """Daemon and command have the same version; else the older one is named."""
    if isinstance(context.hello, PhotosdError):
        return
    theirs, ours = context.hello["version"], photosd.__version__
    if theirs == ours:
        yield ok("version", f"daemon and command line are both {ours}")
        return
    yield fault(
        "version",
        f"the daemon is version {theirs}, this command line is {ours}",
        f"{RESTART}   (if that does not help, check which photosd is first on the PATH)",
        "restart",
    )


def encoder(context: CheckContext) -> Findings:
    """The model is loaded and warm."""
    if (status := context.status) is None:
        yield unknown("model", "not checked: the daemon does not answer")
        return
    report = status["encoder"]
    if report["error"] is not None:
        error = report["error"]
        yield fault("model", f"{error['title']}: {error['message']}", str(error["remedy"]))
    elif report["state"] in ("broken", "hung", "restarting"):
        reason = report["last_restart_reason"] or "it does not answer"
        yield fault(
            "model", f"the encoder is {report['state']}: {reason}", "photosd logs", "restart"
        )
    elif report["state"] == "loading":
        yield warning("model", f"{report['model']} is still loading", "wait; then: photosd doctor")
    else:
        yield from _loaded(report)
    yield from _general(context)


def _loaded(report: EncoderReport) -> Findings:
    recycled = (report["last_restart_reason"] or "").startswith("recycled")
    if recycled and report["restarts"] > 1:
        yield warning(
            "model",
            f"it was replaced {report['restarts']} times: {report['last_restart_reason']}",
            "photosd config set encoder.memory_limit_mb 0",
        )
    else:
        yield ok("model", f"{report['model']} is loaded and warm, on {report['device']}")
    if (takeover := report.get("takeover")) is not None:
        says = f"{takeover['reason']}; the CPU is used instead"
        yield warning("model", says, takeover["remedy"])


def _general(context: CheckContext) -> Findings:
    """Why the library did not open, or why indexing is stopped."""
    status = context.status
    if status is None:
        return
    waiting = status["index"]["waiting_for"]
    if status["state"] == "degraded" and waiting == "start":
        for words in status["warnings"][:1]:
            yield fault("daemon", words, "photosd logs")
    for words in status["warnings"]:
        if words.startswith(WARNING):
            place = context.home.state / "standing"
            yield warning("daemon", words, f"free space on its disk, or make it writable: {place}")
    if waiting == "resume":
        yield warning("indexing", "paused", "photosd resume")
    elif waiting == "disk":
        yield fault("indexing", "writing to the disk fails", "photosd logs; df -h")


def encoding(context: CheckContext) -> Findings:
    """encode_text works: its time, cold and warm, and the supported scripts."""
    checked = context.self_check
    if checked is None:
        yield unknown("encode_text", "not tried: the daemon does not answer, or is older")
        return
    if isinstance(checked, PhotosdError):
        if isinstance(checked, Warming):
            yield warning("encode_text", str(checked), "wait; then: photosd doctor")
        else:
            yield failed("encode_text", checked)
        return
    texts = {text["kind"]: text for text in checked["texts"]}
    yield from _speed(texts)
    yield from _scripts(texts)
    if checked["hub_off"] is False:
        yield fault("hub", "the encoder may contact the model hub, and hang", RESTART, "restart")
    elif checked["hub_off"]:
        yield ok("hub", "the model hub is disabled; nothing is downloaded")
    if checked["swapped_mb"] > SWAPPED_MB:
        yield warning(
            "memory",
            f"{checked['swapped_mb']:,.0f} MB of it are swapped out; queries wait for the disk",
            f"close other programs; then: {RESTART}",
        )


def _speed(texts: dict[str, TextCheck]) -> Findings:
    cold, warm = texts.get("latin"), texts.get("again")
    if cold is not None and cold["error"] is not None:
        yield fault("encode_text", cold["error"], cold["remedy"] or RESTART, "restart")
    elif cold is not None and warm is not None and warm["error"] is None:
        says = f"cold {cold['ms']:.1f} ms, warm {warm['ms']:.1f} ms"
        if warm["ms"] > SLOW_MS:
            remedy = "check whether the machine is busy or out of memory: photosd status; top"
            yield warning("encode_text", f"it is slow: {says}", remedy)
        else:
            yield ok("encode_text", says)


def _scripts(texts: dict[str, TextCheck]) -> Findings:
    tried = {kind: texts[kind] for kind in ("latin", "hebrew", "emoji") if kind in texts}
    broken = {kind: text for kind, text in tried.items() if text["error"] is not None}
    for kind, text in broken.items():
        if kind != "latin":
            remedy = text["remedy"] or "photosd logs"
            yield fault("tokenizer", f"{kind} text fails: {text['error']}", remedy)
    if tried and not broken:
        strange = [
            kind for kind, text in tried.items() if kind != "emoji" and not text["understood"]
        ]
        note = f" (this model does not understand {', '.join(strange)})" if strange else ""
        yield ok("tokenizer", f"{', '.join(tried)} text works{note}")


def environment(context: CheckContext) -> Findings:
    """This session uses the same socket as the daemon."""
    named = os.environ.get("PHOTOSD_SOCKET")
    if named and os.path.realpath(named) != os.path.realpath(context.home.socket):
        yield warning(
            "environment",
            f"PHOTOSD_SOCKET names {named}; the socket of this home is {context.home.socket}",
            "unset PHOTOSD_SOCKET",
        )
