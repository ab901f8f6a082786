"""Finds the words with which a question asks for photos: ``show me``, ``find all pictures of``.

They say nothing about a photo, but the model and the names of files would count them as words.
"""

from __future__ import annotations

import re

from photosd.core.formats import PHOTO_SUFFIXES

PHOTOS = r"(?:photo|picture|image|pic|photograph|snapshot)s?"
ENGLISH = (
    r"(?:please\s+)?(?:(?:can|could)\s+you\s+)?(?:please\s+)?"
    r"(?:(?:show|find|get|give)\s+(?:me|us)|find|search\s+for|look\s+for"
    r"|(?:i['’]?m\s+|i\s+am\s+)?(?:looking|searching)\s+for"
    r"|i\s+(?:want|need|would\s+like)(?:\s+to\s+(?:see|find))?"
    r"|where\s+(?:is|are|was|were)|where['’]?s|do\s+(?:i|we)\s+have)"
    rf"(?:(?:\s+(?:any|all|some|every|the|a|an|my|our|of))*\s+{PHOTOS}"
    r"\s+(?:of|with|from|showing|that\s+show))?"
)
HEBREW = (
    "(?:(?:תראה|תראי|הראה|הראי|תמצא|תמצאי|מצא|מצאי|חפש|חפשי|תן|תני)\\s+(?:לי|לנו)"
    "|תמצא|תמצאי|מצא|מצאי|חפש|חפשי|אני\\s+(?:מחפש|מחפשת|רוצה\\s+לראות)|איפה|היכן|יש\\s+לי)"
    "(?:\\s+את)?(?:(?:\\s+כל)?\\s+ה?(?:תמונות|תמונה|צילומים|צילום)\\s+(?:של|עם))?"
)
REQUEST = re.compile(rf"(?:{ENGLISH}|{HEBREW})\s+(?=\S)", re.IGNORECASE)
WORD = re.compile(r"[^\W\d_]{2}")


def request_end(text: str) -> int:
    """How many characters at the beginning ask for photos; 0 if no words would be left, or if
    ``text`` ends like the name of a file.
    """
    found = REQUEST.match(text)
    if found is None or WORD.search(text, found.end()) is None:
        return 0
    return 0 if text.lower().endswith(tuple(PHOTO_SUFFIXES)) else found.end()
