"""One zygote for all encoders of a module: importing torch takes longer than most tests here."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from photosd.core.child import Child, Death
from photosd.encoder import launcher


class SharedZygote(Child):
    """It stays when a launcher needs it no longer."""

    def kill(self, reason: str, **more: Any) -> Death:
        if reason == "no longer needed":
            return Death(reason, "", None, reaped=True)
        return super().kill(reason, **more)


class Zygotes:
    """Stands for the class `Child` in the launcher."""

    def __init__(self) -> None:
        self._zygote: SharedZygote | None = None
        self._keeper = ThreadPoolExecutor(1)  # a child ends with the thread that spawned it

    def __call__(self, module: str, *given: Any, **more: Any) -> Child:
        if module != launcher.ZYGOTE:
            return Child(module, *given, **more)
        if self._zygote is None or not self._zygote.alive:
            self.end()
            self._zygote = self._keeper.submit(SharedZygote, module, *given, **more).result(60)
        return self._zygote

    def end(self) -> None:
        """The next encoder has a new one, which imports again."""
        if self._zygote is not None:
            self._zygote.kill("the tests are over", dump=False)
            self._zygote = None


@pytest.fixture(scope="module")
def zygotes() -> Iterator[Zygotes]:
    """For encoders that are started in this process."""
    with pytest.MonkeyPatch.context() as patch:
        zygotes = Zygotes()
        patch.setattr(launcher, "Child", zygotes)
        yield zygotes
        zygotes.end()


@pytest.fixture(scope="module")
def faults_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for all tests of a module: the zygote knows its name from its start."""
    return tmp_path_factory.mktemp("orders") / "faults.json"
