"""What the environment says about the cloud, taken out of it: no child and no library sees it."""

from __future__ import annotations

import os
from collections.abc import MutableMapping

import msgspec

KEY, MODE = "GEMINI_API_KEY", "EMBEDDING_MODE"
# Google's libraries let these choose the address, the key, and whether requests are written down;
# Python's has the last one name a file for what decrypts them.
FOREIGN = ("GOOGLE_", "GENAI_", "GEMINI_", "VERTEX", "SSLKEYLOGFILE")


class Environment(msgspec.Struct, frozen=True):
    """A key and a wish for a mode, both as text and both without effect until somebody consents."""

    key: str = ""
    mode: str = ""

    def __repr__(self) -> str:
        """Without the key."""
        return f"Environment(key={'***' if self.key else ''!r}, mode={self.mode!r})"

    @classmethod
    def take(cls, variables: MutableMapping[str, str] | None = None) -> Environment:
        """Read them and remove them, with every variable that would lead Google's SDK elsewhere."""
        variables = os.environ if variables is None else variables
        taken = cls(variables.get(KEY, "").strip(), variables.get(MODE, "").strip().lower())
        for name in list(variables):
            if name == MODE or name.startswith(FOREIGN):
                del variables[name]
        return taken
