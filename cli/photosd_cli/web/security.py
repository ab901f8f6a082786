"""Access to the page: one-time code, sessions, pass phrase; which requests are refused."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from http.cookies import CookieError, SimpleCookie

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER = "x-photosd"  # pages of other sites cannot send it
MAX_SESSIONS = 100
MAX_TRIES, TRIES_SECONDS = 5, 60.0  # wrong pass phrases
MIN_PASSPHRASE = 12  # characters
OPEN_PATHS = (
    "/enter",
    "/login",
    "/static/login.js",
    "/static/style.css",
    "/static/sheet.css",
    "/static/icon.svg",
)

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none';"
    " require-trusted-types-for 'script'"
)
ALWAYS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "x-frame-options": "DENY",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=()",
}


class Access:
    """The code, the pass phrase and the sessions, kept as hashes. Any thread may use it.

    ``passphrase``: None if the page is for this computer only.
    """

    def __init__(self, passphrase: str | None = None) -> None:
        self.code = secrets.token_urlsafe(32)
        self._code: bytes | None = _hash(self.code)
        self._passphrase = None if passphrase is None else _hash(passphrase)
        self._sessions: OrderedDict[bytes, None] = OrderedDict()
        self._wrong: deque[float] = deque(maxlen=MAX_TRIES)
        self._lock = threading.Lock()

    @property
    def takes_passphrase(self) -> bool:
        """Whether a pass phrase gives access."""
        return self._passphrase is not None

    @property
    def code_was_used(self) -> bool:
        """Whether the one-time code has given a session."""
        return self._code is None

    def with_code(self, code: str) -> str | None:
        """A new session for the one-time code, which is then used up; None if it is wrong."""
        with self._lock:
            if self._code is None or not hmac.compare_digest(self._code, _hash(code)):
                return None
            self._code = None
            return self._new_session()

    def with_passphrase(self, passphrase: str) -> str | None:
        """A new session for the pass phrase; None if it is wrong, or too many wrong ones came."""
        with self._lock:
            now = time.monotonic()
            if len(self._wrong) == MAX_TRIES and now - self._wrong[0] < TRIES_SECONDS:
                return None
            if self._passphrase is None or not hmac.compare_digest(
                self._passphrase, _hash(passphrase)
            ):
                self._wrong.append(now)
                return None
            return self._new_session()

    def knows(self, session: str) -> bool:
        """Whether this session exists."""
        with self._lock:
            return _hash(session) in self._sessions

    def _new_session(self) -> str:
        session = secrets.token_urlsafe(32)
        self._sessions[_hash(session)] = None
        if len(self._sessions) > MAX_SESSIONS:
            self._sessions.popitem(last=False)
        return session


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def host_of(header: str) -> str | None:
    """The name or address in a Host header, without its port; None if it is not one."""
    host, bracket, port = header.rpartition("]")
    if bracket:
        if not host.startswith("[") or (port and not port.startswith(":")):
            return None
        name, port = host[1:], port[1:]
    else:
        name, _, port = header.partition(":")
    return name.lower() if name and (not port or port.isdecimal()) else None


def is_allowed_host(header: str, declared: Iterable[str]) -> bool:
    """Whether this Host cannot be the name of another site that resolves to us (DNS rebinding):
    an address, localhost, or a declared name.
    """
    name = host_of(header)
    if name is None:
        return False
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return name == "localhost" or name in declared
    return True


class Guard:
    """ASGI middleware: refuses foreign requests, and adds the security headers to each answer."""

    def __init__(self, app: ASGIApp, access: Access, cookie: str, declared: Iterable[str]) -> None:
        """``cookie``: its name; ``declared``: allowed host names beside addresses."""
        self._app, self._access, self.cookie = app, access, cookie
        self._declared = frozenset(name.lower() for name in declared)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            return
        headers = Headers(scope=scope)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer = MutableHeaders(scope=message)
                for name, value in ALWAYS.items():
                    answer[name] = value
                answer.setdefault("cache-control", "no-store")
            await send(message)

        app: ASGIApp = self._refusal(scope, headers) or self._app
        await app(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope, headers: Headers) -> Response | None:
        checks: tuple[Callable[[Scope, Headers], Response | None], ...] = (
            self._host,
            self._method,
            self._origin,
            self._session,
        )
        return next((refusal for check in checks if (refusal := check(scope, headers))), None)

    def _host(self, _scope: Scope, headers: Headers) -> Response | None:
        host = headers.get("host", "")
        if len(headers.getlist("host")) == 1 and is_allowed_host(host, self._declared):
            return None
        name = host_of(host) or "NAME"
        return PlainTextResponse(
            f"This name is not allowed. Start with: photosd web --allow-host {name[:100]}\n", 421
        )

    def _method(self, scope: Scope, _headers: Headers) -> Response | None:
        if scope["method"] in ("GET", "HEAD", "POST"):
            return None
        return _refused("the method is not allowed", 405)

    def _origin(self, scope: Scope, headers: Headers) -> Response | None:
        """Requests from other sites; `/enter` is opened from the terminal."""
        if scope["path"] == "/enter" and scope["method"] == "GET":
            return None
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            return _refused("the request comes from another site", 403)
        origin = headers.get("origin")
        if origin is not None and origin != f"http://{headers['host']}":
            return _refused("the request comes from another site", 403)
        if scope["method"] == "POST" and headers.get(HEADER) != "1":
            return _refused(f"the header {HEADER} is missing", 403)
        return None

    def _session(self, scope: Scope, headers: Headers) -> Response | None:
        if scope["path"] in OPEN_PATHS or self._access.knows(self._cookie(headers)):
            return None
        if scope["path"] == "/" and self._access.takes_passphrase:
            return Response(status_code=303, headers={"location": "/login"})
        return _refused("open the page with the address that photosd web printed", 401)

    def _cookie(self, headers: Headers) -> str:
        try:
            found = SimpleCookie(headers.get("cookie", "")).get(self.cookie)
        except CookieError:
            return ""
        return found.value if found else ""


def _refused(message: str, status: int) -> Response:
    error = {
        "code": "refused",
        "title": "Not allowed",
        "message": message,
        "remedy": "start `photosd web` and open the address that it prints",
    }
    return JSONResponse({"error": error}, status)
