"""Old names of modules that scripts of 0.1.0 import."""

from __future__ import annotations

import sys


class OldNames:
    """``photosd.ipc``, which the documentation of 0.1.0 names, is ``photosd.protocol``."""

    def find_spec(self, name: str, *_: object) -> object:
        """A spec of the module by its new name; None for all other modules."""
        if name != "photosd.ipc" and not name.startswith("photosd.ipc."):
            return None
        import importlib
        from importlib.machinery import ModuleSpec

        self._module = importlib.import_module(name.replace("photosd.ipc", "photosd.protocol", 1))
        return ModuleSpec(name, self, is_package=name == "photosd.ipc")  # type: ignore[arg-type]

    def create_module(self, _spec: object) -> object:
        """The module, which is imported already."""
        return self._module

    def exec_module(self, _module: object) -> None:
        """Nothing: the module has been executed."""


sys.meta_path.insert(0, OldNames())  # type: ignore[arg-type]
