"""The settings: names, types, limits, defaults and descriptions (settings_file.py: the file).

Gemini's models and prices, as read on a date, are in `gemini.json`; when you change it, check all
values and set ``read``.
"""

from __future__ import annotations

import datetime
import difflib
import math
import sys
import unicodedata
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import msgspec
from msgspec import Meta

from photosd.core import typed
from photosd.core.errors import ConfigError
from photosd.core.ignored_names import RULE_NAMES
from photosd.core.secrets import shortened, without_secrets

OLD_DAYS = 180  # Google retires models and changes prices a few times a year


class Prices(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Model ids and US dollars. ``usd_per_million_out`` includes thinking tokens."""

    read: datetime.date
    source: str
    text_model: str
    embedding_model: str
    usd_per_million_in: float
    usd_per_million_out: float
    usd_per_million_embedded: float
    usd_per_image: float

    def is_old(self, today: datetime.date) -> bool:
        """Whether the prices should be checked again."""
        return (today - self.read).days > OLD_DAYS


GEMINI = typed.from_json(Path(__file__).with_name("gemini.json").read_bytes(), Prices)


MAX_MB = 100_000_000  # larger than any machine's value, and computations with it stay exact
MAX_MEGAPIXELS = 100_000
MAX_USD = 1_000_000
TYPES = {int: "whole number", float: "number", str: "text", bool: "yes or no"}
LONGEST_SHOWN = 60  # characters of a value in an error


# Plain HTTP only to this machine; no name or password in the address, no query.
URL = r"^(https://[^/@\s?#]+|http://(127\.0\.0\.1|localhost|\[::1\])(:\d+)?)(/[^\s?#@]*)?$"
MODEL_ID = r"^[a-z0-9][a-z0-9.-]*$"
API_VERSION = r"^v[0-9a-z]+$"
_RULE = f"({'|'.join(RULE_NAMES)})"
IGNORE_RULES = rf"^({_RULE}( *, *{_RULE})*)?$"
FORMS = {  # in words
    URL: "an address: https://HOST, or http:// on this machine (127.0.0.1, localhost, [::1]),"
    " without a name, password or query",
    MODEL_ID: "the name of a model: lower-case letters, digits, dots and dashes",
    API_VERSION: "a version of the API, such as v1 or v1beta",
    IGNORE_RULES: f"names separated by commas, of: {', '.join(RULE_NAMES)}",
}


class SearchSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How queries are answered."""

    limit: Annotated[int, Meta(ge=1, le=1000, description="Photos in an answer")] = 20
    remember: Annotated[
        bool, Meta(description="Cache vectors of queries, under salted hashes; no: cache none")
    ] = True


class EncoderSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The model that understands pictures and words."""

    model: Annotated[
        str,
        Meta(description="Model that answers queries, once its index is complete"),
    ] = "starter"
    device: Annotated[
        Literal["auto", "cpu", "mps", "cuda", "xpu"],
        Meta(description="Where the model runs; auto: the fastest device that works"),
    ] = "auto"
    memory_limit_mb: Annotated[
        int,
        Meta(ge=0, le=MAX_MB, description="Recycle the encoder above this many MB; 0: by RAM"),
    ] = 0


class DecodeSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How photo files are read."""

    workers: Annotated[int, Meta(ge=0, le=64, description="Decoder processes; 0: one per core")] = 0
    max_megapixels: Annotated[
        int,
        Meta(
            ge=0,
            le=MAX_MEGAPIXELS,
            description="Largest photo to decode, megapixels; 0: decided by RAM",
        ),
    ] = 0
    previews: Annotated[
        Literal["auto", "never"],
        Meta(description="auto: index the preview in a file first, if it is large enough"),
    ] = "auto"


class ThumbnailSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Small pictures for terminals and contact sheets."""

    cache_mb: Annotated[
        int, Meta(ge=0, le=MAX_MB, description="Disk space for thumbnails, MB; 0: none")
    ] = 512


class WatchSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How changes in the folders are noticed."""

    settle_seconds: Annotated[
        float, Meta(ge=0.1, le=60, description="Read a file after it is unchanged for this long")
    ] = 1.5
    rescan_minutes: Annotated[
        int, Meta(ge=1, le=1440, description="Compare every folder in full this often")
    ] = 45
    ignore_off: Annotated[
        str,
        Meta(
            pattern=IGNORE_RULES,
            description="Names of ignore rules that are turned off, separated by commas:"
            " docs/reference/ignored.md",
        ),
    ] = ""


class LogSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is logged."""

    level: Annotated[
        Literal["debug", "info", "warning", "error"],
        Meta(description="Lowest level to log; query texts are logged at debug only"),
    ] = "info"


class CloudSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Gemini; no effect without `photosd cloud enable`."""

    mode: Annotated[
        Literal["local", "hybrid", "gemini"],
        Meta(description="How Gemini helps with queries; needs consent: photosd cloud enable MODE"),
    ] = "local"
    base_url: Annotated[
        str, Meta(pattern=URL, description="Gemini's address; consent is for this address only")
    ] = "https://generativelanguage.googleapis.com"
    api_version: Annotated[str, Meta(pattern=API_VERSION, description="Version of its API")] = "v1"
    text_model: Annotated[
        str, Meta(pattern=MODEL_ID, description="Model that rewrites queries (hybrid)")
    ] = GEMINI.text_model
    embedding_model: Annotated[
        str, Meta(pattern=MODEL_ID, description="Model that embeds pictures and queries (gemini)")
    ] = GEMINI.embedding_model
    dimensions: Annotated[
        int, Meta(ge=128, le=3072, description="Dimensions of Gemini's vectors")
    ] = 768
    deadline_seconds: Annotated[
        float, Meta(ge=0.1, le=30, description="Longest wait of a query for Gemini")
    ] = 1.5
    budget_usd: Annotated[
        float,
        Meta(
            ge=0, le=MAX_USD, description="Send nothing beyond this cost per calendar month (UTC)"
        ),
    ] = 2.0
    images_per_minute: Annotated[
        int, Meta(ge=1, le=10_000, description="Limit of photos sent (gemini)")
    ] = 100
    key_file: Annotated[
        str, Meta(description="File with the key, mode 0600; empty: gemini.key beside the settings")
    ] = ""
    key_command: Annotated[
        str, Meta(description="Command that prints the key, run without a shell; killed after 10 s")
    ] = ""
    proxy: Annotated[
        str, Meta(description="Proxy for Gemini; HTTPS_PROXY and similar variables are ignored")
    ] = ""
    usd_per_image: Annotated[
        float,
        Meta(ge=0, le=MAX_USD, description="Price of a photo's vector, for the budget"),
    ] = GEMINI.usd_per_image
    usd_per_million_embedded: Annotated[
        float,
        Meta(ge=0, le=MAX_USD, description="Price of a million tokens of embedded queries"),
    ] = GEMINI.usd_per_million_embedded
    usd_per_million_in: Annotated[
        float,
        Meta(ge=0, le=MAX_USD, description="Price of a million tokens sent to the text model"),
    ] = GEMINI.usd_per_million_in
    usd_per_million_out: Annotated[
        float,
        Meta(ge=0, le=MAX_USD, description="Price of a million tokens that the text model writes"),
    ] = GEMINI.usd_per_million_out


class ClosedCloudSettings(CloudSettings, frozen=True):
    """Cloud settings used while the file's are invalid: nothing is sent, whatever the
    caller asks.
    """


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All settings, by section."""

    search: SearchSettings = SearchSettings()
    encoder: EncoderSettings = EncoderSettings()
    decode: DecodeSettings = DecodeSettings()
    thumbnails: ThumbnailSettings = ThumbnailSettings()
    watch: WatchSettings = WatchSettings()
    cloud: CloudSettings = CloudSettings()
    log: LogSettings = LogSettings()


class LiveSettings:
    """The settings in use ``now``: for parts that need the current value of one."""

    def __init__(self, settings: Settings) -> None:
        self.now = settings

    def change(self, settings: Settings) -> Settings:
        """Use these from now on; returns the former ones."""
        before, self.now = self.now, settings
        return before

    def remembers(self) -> bool:
        """Whether queries may be cached."""
        return self.now.search.remember


class Setting(msgspec.Struct, frozen=True):
    """One setting as shown to people: ``section.key`` and what it means."""

    name: str
    value: Any
    default: Any
    type: str
    description: str


def shown(value: Any) -> Any:
    """The value of a setting without secrets."""
    return without_secrets(value) if isinstance(value, str) else value


def value_of(settings: Settings, name: str) -> Any:
    """The value of the setting ``name`` (``section.key``), which exists."""
    section, _, key = name.partition(".")
    return getattr(getattr(settings, section), key)


def describe(settings: Settings) -> list[Setting]:
    """Every setting with its value, default, type and meaning."""
    rows = []
    for section in _fields(Settings):
        current = getattr(settings, section.name)
        for field in _fields(section.type):
            rows.append(
                Setting(
                    f"{section.name}.{field.name}",
                    shown(getattr(current, field.name)),
                    field.default,
                    _type_name(field.type),
                    _description(field.type),
                )
            )
    return rows


def defaults() -> dict[str, Setting]:
    """Default of every setting, by name."""
    return {setting.name: setting for setting in describe(Settings())}


def checked(name: str, value: Any) -> Any:
    """``value`` as the type of the existing setting ``name``; raises ValueError with the reason.

    Refuses NaN, infinities and control characters.
    """
    kind = _kind_of(name)
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("it must be a finite number")
    try:
        value = typed.convert(value, kind)
    except (msgspec.ValidationError, OverflowError) as error:
        raise ValueError(f"it must be {_wanted(kind)}") from error
    if isinstance(value, str) and any(unicodedata.category(c) in ("Cc", "Cs") for c in value):
        raise ValueError("it must be one line of UTF-8 text without control characters")
    return value


def parsed(name: str, text: str) -> Any:
    """``text`` as typed by a user, as the type of the setting ``name``; raises ConfigError."""
    known = defaults()
    if name not in known:
        near = difflib.get_close_matches(name, known, 1)
        hint = f"Did you mean {near[0]}? " if near else ""
        raise ConfigError(f"unknown setting {name!r}", remedy=f"{hint}List all: photosd config get")
    wanted = _wanted(_kind_of(name))
    remedy = "Use one line of text" if wanted == TYPES[str] else f"Use {wanted}"
    try:
        value = checked(name, _of_type(type(known[name].default), text, wanted))
        if name == "encoder.device":
            remedy = "photosd config set encoder.device auto"
            _require_device(value)
        return value
    except ValueError as error:
        shown = shortened(text, LONGEST_SHOWN) + ("…" if len(text) > LONGEST_SHOWN else "")
        raise ConfigError(f"{name} = {shown!r}: {error}", remedy=remedy) from error


def _require_device(device: str) -> None:
    """Raise ValueError for a device that this system cannot have."""
    on_mac = sys.platform == "darwin"
    if device == "mps" and not on_mac:
        raise ValueError("only Macs have mps; auto uses the fastest device of this machine")
    if device in ("cuda", "xpu") and on_mac:
        raise ValueError(f"no Mac has {device}; auto uses the fastest device of this machine")


def _wanted(kind: Any) -> str:
    """Which values it takes, as text."""
    plain, *metas = get_args(kind)
    if get_origin(plain) is Literal:
        return "one of " + ", ".join(get_args(plain))
    meta = next(meta for meta in metas if isinstance(meta, Meta))
    if meta.pattern is not None:
        return FORMS[meta.pattern]
    if meta.ge is not None:
        return f"a {TYPES[plain]} from {meta.ge:,} to {meta.le:,}"
    return TYPES[plain]


def _of_type(kind: type, text: str, wanted: str) -> Any:
    """``text`` as ``kind``; raises ValueError, naming the ``wanted`` values."""
    if kind is bool:
        if text.lower() not in ("true", "false", "yes", "no", "on", "off", "1", "0"):
            raise ValueError(f"it must be {wanted}")
        return text.lower() in ("true", "yes", "on", "1")
    try:
        # Python alone accepts 1_0.
        return kind(text.replace("_", "x") if kind in (int, float) else text)
    except ValueError:
        raise ValueError(f"it must be {wanted}") from None


def _kind_of(name: str) -> Any:
    """The annotated type of the setting ``section.key``."""
    section, _, key = name.partition(".")
    of_section = next(field.type for field in _fields(Settings) if field.name == section)
    return next(field.type for field in _fields(of_section) if field.name == key)


def _fields(kind: Any) -> tuple[msgspec.structs.FieldInfo, ...]:
    """Inspecting a type is as thread-unsafe as decoding into it."""
    typed.make_ready(kind)
    return msgspec.structs.fields(kind)


def _description(annotated: Any) -> str:
    return next(
        (m.description for m in get_args(annotated)[1:] if isinstance(m, Meta) and m.description),
        "",
    )


def _type_name(annotated: Any) -> str:
    kind = get_args(annotated)[0]
    if get_origin(kind) is Literal:
        return " | ".join(get_args(kind))
    return TYPES[kind]


typed.make_ready(Settings)  # imported here, because modules are imported by one thread at a time
