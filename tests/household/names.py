"""How cameras, phones, messengers and people name photos and folders."""

from __future__ import annotations

import datetime
import functools
import random
import unicodedata
from collections.abc import Callable

Date = datetime.datetime
TRIPS = (
    "Eilat", "Trip to Rome", "Mom's 60th birthday", "wedding Noa & Tal", "Garden", "New Year's Eve",
    "טיול לצפון", "יום הולדת 3", "חֲתֻנָּה", "\u200fים המלח\u200f", "رحلة إلى البحر", "家族旅行",
    "Été à Nîmes", "Łódź", "dog 🐶", "beach  double  blank", "100% fun", "a;b&c|d", "#hash",
    "what?", "Ferien\t2012",
)  # fmt: skip
WORDS = (
    "beach", "copy of beach", "IMG", "sunset over the sea", "כלב בים", "שַׁבָּת", "قطة", "猫と犬", "🌅",
    "naïve café", "invoice", "me", "Ünïcödé", "Москва", "ภาพ", "-n", "--help", "~", "%s%n", "$HOME",
    "it's", 'a "quote"', "back\\slash", "star*", "[1]", "{a,b}", "!bang", "tab\there", "new\nline",
    " leading", "trailing ", "two..dots", "a.b.c", "\u202eright to left", "zero\u200bwidth",
)  # fmt: skip
NOT_UTF8 = (b"\xe9t\xe9", b"\xff\xfe", b"caf\xe9 \xe0 Paris", b"\xd7\xa9\xd7", b"\x80")
LONGEST = 255  # bytes of a name on Linux and macOS
LONG = tuple(letter.encode() for letter in "xשé🐶")  # names of nothing else, as long as can be

# number -> name; a run of one camera counts up, and restarts after 9999 as cameras do
CAMERAS: dict[str, Callable[[int], str]] = {
    "canon": lambda n: f"IMG_{n % 10_000:04}.JPG",
    "nikon": lambda n: f"DSC_{n % 10_000:04}.JPG",
    "sony": lambda n: f"DSC{n % 100_000:05}.JPG",
    "fuji": lambda n: f"DSCF{n % 10_000:04}.JPG",
    "panasonic": lambda n: f"P1{n % 1_000_000:06}.JPG",
    "gopro": lambda n: f"GOPR{n % 10_000:04}.JPG",
    "dji": lambda n: f"DJI_{n % 10_000:04}.JPG",
    "olympus": lambda n: f"P{n % 13:X}{n % 1_000_000:06}.JPG",
}
PHONES: dict[str, Callable[[Date], str]] = {
    "pixel": lambda t: f"PXL_{t:%Y%m%d_%H%M%S}{t.microsecond // 1000:03}.jpg",
    "pixel_mode": lambda t: f"PXL_{t:%Y%m%d_%H%M%S}{t.microsecond // 1000:03}.PORTRAIT.jpg",
    "samsung": lambda t: f"{t:%Y%m%d_%H%M%S}.jpg",
    "xiaomi": lambda t: f"IMG_{t:%Y%m%d_%H%M%S}.jpg",
    "windows_phone": lambda t: f"WP_{t:%Y%m%d_%H_%M_%S}_Pro.jpg",
}
MESSENGERS: dict[str, Callable[[Date], str]] = {
    "whatsapp": lambda t: f"IMG-{t:%Y%m%d}-WA{t.microsecond % 10_000:04}.jpg",
    "whatsapp_desktop": lambda t: f"WhatsApp Image {t:%Y-%m-%d} at {t:%H.%M.%S}.jpeg",
    "signal": lambda t: f"signal-{t:%Y-%m-%d-%H-%M-%S-}{t.microsecond // 1000:03}.jpg",
    "telegram": lambda t: f"photo_{t:%Y-%m-%d_%H-%M-%S}.jpg",
    "facebook": lambda t: f"FB_IMG_{int(t.replace(tzinfo=datetime.UTC).timestamp() * 1000)}.jpg",
}
SCREENSHOTS: dict[str, Callable[[Date], str]] = {
    "android": lambda t: f"Screenshot_{t:%Y-%m-%d-%H-%M-%S-}{t.microsecond // 1000:03}_maps.png",
    "samsung": lambda t: f"Screenshot_{t:%Y%m%d-%H%M%S}_WhatsApp.png",
    "macos": lambda t: f"Screenshot {t:%Y-%m-%d} at {t:%H.%M.%S}.png",
    "gnome": lambda t: f"Screenshot from {t:%Y-%m-%d %H-%M-%S}.png",
    "hebrew": lambda t: f"צילום מסך {t:%Y-%m-%d} ב-{t:%H.%M.%S}.png",
}
EDITS: tuple[Callable[[str, str], str], ...] = (
    lambda stem, suffix: f"{stem} (1){suffix}",
    lambda stem, suffix: f"copy of {stem}{suffix}",
    lambda stem, suffix: f"{stem} - Copy{suffix}",
    lambda stem, suffix: f"{stem}-edited{suffix}",
    lambda stem, suffix: f"{stem}~2{suffix}",
    lambda stem, suffix: f"{stem}_1{suffix}",
    lambda stem, suffix: f"{stem} - עותק{suffix}",
    lambda stem, suffix: f"{stem}_small{suffix}",
)


def event_folder(chance: random.Random, day: Date) -> str:
    """Where photos of one day are put: by year, month, day or event, as people do."""
    trip = chance.choice(TRIPS)
    return chance.choice(
        (
            f"{day:%Y}/{day:%Y-%m-%d} {trip}",
            f"{day:%Y}/{day:%m}/{day:%d}",
            f"{day:%Y}/{day:%m} {trip}",
            f"{day:%Y}/{trip}",
            f"{trip} {day:%Y}",
            f"{day:%Y-%m}",
        )
    )


@functools.cache
def _stems() -> tuple[bytes, ...]:
    """What odd names begin with, the oddest first."""
    words = [word.encode() for word in WORDS]
    forms = [
        unicodedata.normalize(form, f"{word} été").encode()
        for word in WORDS
        for form in ("NFC", "NFD")
    ]
    first = [b"new\nline", b"-n", "שַׁבָּת".encode(), b" leading", *forms[:2]]
    return (*NOT_UTF8, *LONG, *first, *words, *forms)


def odd_name(number: int, unique: int, suffix: bytes) -> bytes:
    """A legal name that programs trip over, the ``number``-th kind of; ``unique`` is in it."""
    stem, tail = _stems()[number % len(_stems())], b" %d" % unique + suffix
    if stem in LONG:
        room = LONGEST - len(tail)
        stem = (stem * (room // len(stem))).ljust(room, b"x")
    return stem + (tail.upper() if number % 4 == 3 else tail)
