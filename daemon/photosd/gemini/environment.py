"""Reads cloud variables from the environment and removes them, so that no child or library sees
them.
"""

from __future__ import annotations

import os
from collections.abc import MutableMapping

import msgspec

KEY, MODE = "GEMINI_API_KEY", "EMBEDDING_MODE"
# Google's libraries read address, key, and request logging from these; Python's TLS writes
# decryption keys to a file named by the last one.
FOREIGN = ("GOOGLE_", "GENAI_", "GEMINI_", "VERTEX", "SSLKEYLOGFILE")


class Environment(msgspec.Struct, frozen=True):
    """A key and a requested mode, both as text and both without effect before consent."""

    key: str = ""
    mode: str = ""

    def __repr__(self) -> str:
        """Without the key."""
        return f"Environment(key={'***' if self.key else ''!r}, mode={self.mode!r})"

    @classmethod
    def take(cls, variables: MutableMapping[str, str] | None = None) -> Environment:
        """Read and remove them, with every variable that would redirect Google's SDK."""
        variables = os.environ if variables is None else variables
        taken = cls(variables.get(KEY, "").strip(), variables.get(MODE, "").strip().lower())
        for name in list(variables):
            if name == MODE or name.startswith(FOREIGN):
                del variables[name]
        return taken
