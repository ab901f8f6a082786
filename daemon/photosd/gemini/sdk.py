"""Gemini's API through Google's SDK: the only module that connects to another machine.

Every error becomes CloudUnavailable. Only the worker process (`__main__`) imports it. Address, key
and proxy are parameters; the environment is ignored.
"""

from __future__ import annotations

import contextlib
import logging
import math
import re
import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import structlog

from photosd.core.config import CloudSettings
from photosd.core.errors import CloudUnavailable
from photosd.core.secrets import shortened
from photosd.gemini.keys import Key
from photosd.gemini.worker_messages import Vectors, Written

log = structlog.get_logger()

ANSWER_BYTES = 32 << 20  # 100 vectors of 3,072 numbers are 7 MB of JSON
SHORTEST_NORM, LONGEST_NORM = 0.9, 1.1  # of a vector that must have unit length
QUIET = ("google_genai", "google.auth", "google", "httpx2", "httpcore2", "urllib3")
DURATION = re.compile(r"(\d+(?:\.\d+)?)s")
CONNECT_SECONDS = 5.0
LOOPBACK = re.compile(r"https?://(127\.0\.0\.1|localhost|\[::1\])(:|/|$)", re.IGNORECASE)
WORD, ESCAPED = re.compile(r"[^\W_]+"), re.compile(r"(?:\\u[0-9a-fA-F]{4})+")
# Common words of error messages; that a query contains one of them reveals nothing.
OF_ERRORS = frozenset(
    WORD.findall(
        "a an and api argument at by check error exceeded for found in invalid is key limit model"
        " must no not of on or pass permission please project quota request the to too try"
        " unsupported valid value was with your"
    )
)


class GeminiSdk:
    """One client, one address, one key. Any thread may call; close it when done.

    Every method raises CloudUnavailable, within ``seconds`` and a little.
    """

    def __init__(self, key: Key, settings: CloudSettings) -> None:
        for name in QUIET:  # lower levels log requests with headers
            logging.getLogger(name).setLevel(logging.CRITICAL)
        import httpx2
        from google import genai
        from google.genai import types

        self._types: Any = types
        self._client: Any
        self._key = key
        self.base_url = settings.base_url
        self._http: Any = httpx2.Client(
            trust_env=False,  # no proxies, certificates or .netrc of the environment
            follow_redirects=False,  # the key would follow
            # Directly to this machine: a proxy would see the key of http://localhost in clear text.
            proxy=None if LOOPBACK.match(settings.base_url) else settings.proxy or None,
            event_hooks={"response": [_limit_answer]},
        )

        def client(http: Any) -> Any:
            return genai.Client(
                vertexai=False,
                api_key=key.reveal(),
                http_options=types.HttpOptions(
                    base_url=settings.base_url,
                    api_version=settings.api_version,
                    httpx_client=http,
                ),
            )

        with httpx2.Client(
            trust_env=False, transport=httpx2.MockTransport(lambda _: httpx2.Response(200, json={}))
        ) as nowhere:
            self._client = client(nowhere)
            self._warm_up()
        self._client = client(self._http)

    def _warm_up(self) -> None:
        """Run calls that are answered locally, since the SDK's first call takes far longer.

        Otherwise the first query would wait for it.
        """
        with contextlib.suppress(CloudUnavailable):
            self.write("warm-up", "warm-up", "warm-up", {}, 1.0)
        with contextlib.suppress(CloudUnavailable):
            self.embed_query("warm-up", "warm-up", 1, 1.0)

    def close(self) -> None:
        """Close its connections; calls under way fail."""
        self._http.close()

    def write(
        self, model: str, instruction: str, text: str, schema: dict[str, Any], seconds: float
    ) -> Written:
        """The JSON that ``model`` writes for ``text``, in the given ``schema``."""
        config = self._types.GenerateContentConfig(
            system_instruction=instruction,
            max_output_tokens=256,
            store=False,  # else a project may store each request: its default since 2026-10-26
            response_mime_type="application/json",
            response_json_schema=schema,
            http_options=self._within(seconds),
        )
        with _Boundary(self, model, "text_model", text):
            answer = self._client.models.generate_content(model=model, contents=text, config=config)
            usage = answer.usage_metadata
            return Written(
                answer.text or "",
                _count(usage and usage.prompt_token_count),
                _written(usage),
            )

    def embed_query(self, model: str, text: str, dimensions: int, seconds: float) -> Vectors:
        """The unit vector (dimensions,) float32 of a query for pictures."""
        content = self._types.Content(
            parts=[self._types.Part(text=f"task: search result | query: {text}")], role="user"
        )
        vectors = self._embed(model, [content], dimensions, seconds, text)
        return vectors.reshape(dimensions)

    def embed_photos(
        self, model: str, jpegs: Sequence[bytes], dimensions: int, seconds: float
    ) -> Vectors:
        """Unit vectors (len(jpegs), dimensions) float32, in order."""
        # One Content each: parts of one Content become one vector.
        contents = [
            self._types.Content(
                parts=[self._types.Part.from_bytes(data=jpeg, mime_type="image/jpeg")], role="user"
            )
            for jpeg in jpegs
        ]
        return self._embed(model, contents, dimensions, seconds)

    def _embed(
        self, model: str, contents: list[Any], dimensions: int, seconds: float, text: str = ""
    ) -> Vectors:
        config = self._types.EmbedContentConfig(
            output_dimensionality=dimensions, http_options=self._within(seconds)
        )
        with _Boundary(self, model, "embedding_model", text):
            answer = self._client.models.embed_content(
                model=model, contents=contents, config=config
            )
            rows = [embedding.values or [] for embedding in answer.embeddings or []]
        return _unit_vectors(rows, len(contents), dimensions)

    def _within(self, seconds: float) -> Any:
        return self._types.HttpOptions(timeout=max(1, math.ceil(1000 * seconds)))

    def explain(
        self, error: Exception, model: str, setting: str, text: str = ""
    ) -> CloudUnavailable:
        """Any exception of the SDK or its libraries as one of ours; without the key and without
        words of the sent ``text``, because errors are logged. ``setting``: of ``model``.
        """
        code = getattr(error, "code", None)
        if isinstance(code, int):
            return self._refusal(error, code, model, setting, text)
        names = {kind.__name__ for kind in type(error).__mro__}
        if "TimeoutException" in names or isinstance(error, TimeoutError):
            return CloudUnavailable("Gemini did not answer in time", reason="deadline")
        if "HTTPError" in names or "InvalidURL" in names or isinstance(error, OSError):
            return CloudUnavailable(
                f"Gemini cannot be reached at {self.base_url} ({type(error).__name__})",
                remedy="check the network; photosd works without it",
            )
        log.debug("gemini_answer_unusable", error=type(error).__name__)
        return _nonsense(f"its answer is invalid ({type(error).__name__})")

    def _refusal(
        self, error: Exception, code: int, model: str, setting: str, text: str
    ) -> CloudUnavailable:
        said = self._key.hide_in(str(getattr(error, "message", "") or "no reason given"))
        words = shortened(" ".join(_without_words(said, text).split()), 300)
        says = f"Gemini returned {code}: {words}"
        if code in (401, 403) or (code == 400 and "api key" in said.lower()):
            source = f"the key comes from {self._key.source}"
            return CloudUnavailable(says, remedy=f"check the key; {source}", reason="auth")
        if code == 404:
            remedy = (
                f"Gemini no longer offers {model}. Set another: photosd config set"
                f" cloud.{setting} MODEL"
            )
            return CloudUnavailable(says, remedy=remedy, reason="model")
        if code == 429:
            wait = _retry_delay(getattr(error, "details", None))
            remedy = "wait, or ask Google for more; cloud.images_per_minute slows photosd down"
            return CloudUnavailable(says, remedy=remedy, retry_after_ms=wait, reason="quota")
        if 300 <= code < 400:
            return CloudUnavailable(
                f"{self.base_url} redirects ({code}); photosd does not follow",
                remedy="photosd config get cloud.base_url",
                reason="server",
            )
        if code >= 500:
            return CloudUnavailable(
                says, remedy="no action needed: it is retried later", reason="server"
            )
        return CloudUnavailable(says, remedy="photosd doctor --cloud", reason="refused")


class _Boundary:
    """Lets only CloudUnavailable pass. Without the cause: its text may contain the key."""

    def __init__(self, gemini: GeminiSdk, model: str, setting: str, text: str) -> None:
        self._gemini, self._model, self._setting, self._text = gemini, model, setting, text

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, Exception) and not isinstance(error, CloudUnavailable):
            raise self._gemini.explain(error, self._model, self._setting, self._text) from None


def _limit_answer(response: Any) -> None:
    """Limit an answer in size, and in time from its first byte to its last.

    Timeouts of the HTTP library apply to each piece: a slow trickle would never end.
    """
    limits: dict[str, float] = response.request.extensions.get("timeout") or {}
    until = time.monotonic() + (limits.get("read") or CONNECT_SECONDS)
    response.stream = _bounded_stream()(response.stream, until)


def _bounded_stream() -> type[Any]:
    from httpx2 import SyncByteStream

    class Bounded(SyncByteStream):  # type: ignore[misc]
        """A body that raises if it is too long or too slow."""

        def __init__(self, inner: Any, until: float) -> None:
            self._inner, self._until = inner, until

        def __iter__(self) -> Iterator[bytes]:
            size = 0
            for piece in self._inner:
                size += len(piece)
                if time.monotonic() > self._until:
                    raise TimeoutError
                if size > ANSWER_BYTES:
                    raise ValueError("too long")
                yield piece

        def close(self) -> None:
            self._inner.close()

    return Bounded


def _unit_vectors(rows: list[list[float]], count: int, dimensions: int) -> Vectors:
    """Vectors in the requested number and size, finite, and of unit length."""
    if len(rows) != count:
        raise _nonsense(f"it sent {len(rows)} vectors for {count}")
    if any(len(row) != dimensions for row in rows):
        sizes = sorted({len(row) for row in rows})
        raise _nonsense(f"its vectors have {sizes} numbers instead of {dimensions}")
    vectors = np.asarray(rows, np.float64)
    norms = np.linalg.norm(vectors, axis=1)
    if (
        not np.isfinite(vectors).all()
        or not ((norms > SHORTEST_NORM) & (norms < LONGEST_NORM)).all()
    ):
        raise _nonsense("its vectors are not unit vectors")
    return np.ascontiguousarray(vectors / norms[:, None], np.float32)


def _nonsense(says: str) -> CloudUnavailable:
    return CloudUnavailable(f"Gemini cannot be understood: {says}", reason="bad_answer")


def _without_words(said: str, text: str) -> str:
    """The server's message without words that may come from ``text``."""
    words = {word.casefold() for word in WORD.findall(text)} - OF_ERRORS
    said = ESCAPED.sub("…", said)
    return WORD.sub(lambda found: "…" if found[0].casefold() in words else found[0], said)


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and 0 <= value < 10_000_000 else None


def _written(usage: Any) -> int | None:
    """Tokens billed as output: the answer's, and thinking tokens."""
    counts = [
        _count(usage and usage.candidates_token_count),
        _count(usage and usage.thoughts_token_count),
    ]
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def _retry_delay(details: object) -> int | None:
    """Milliseconds of google.rpc.RetryInfo, anywhere in ``details``."""
    found = DURATION.search(str(_field(details, "retryDelay") or ""))
    return None if found is None else int(1000 * min(float(found[1]), 86_400.0))


def _field(value: object, name: str, depth: int = 0) -> object:
    if depth > 6:
        return None
    if isinstance(value, dict):
        inside = [value[name]] if name in value else list(value.values())
    elif isinstance(value, list):
        inside = value
    else:
        return None
    for one in inside:
        if name in (value if isinstance(value, dict) else ()):
            return one
        if (found := _field(one, name, depth + 1)) is not None:
            return found
    return None
