"""Children of a process that pretends do so too."""

from __future__ import annotations

import functools
import os
from typing import Any

from tests.darwin.pretend.patches import Patches


def apply(_patches: Patches) -> None:
    """Add our variables to this process's environment, which most children inherit."""
    from tests.darwin import pretend

    os.environ.update(pretend.environment())


def correct(subprocess: Any, patches: Patches) -> None:
    """Add them to every environment given to ``subprocess``."""
    from tests.darwin import pretend

    begin: Any = subprocess.Popen.__init__

    @functools.wraps(begin)
    def pretending(self: Any, *args: Any, env: Any = None, **named: Any) -> None:
        begin(self, *args, env=pretend.environment(env), **named)

    patches.replace(subprocess.Popen, "__init__", pretending)
