"""Imports only open_clip's model classes: half of `import open_clip` is not needed to serve.

`import open_clip` takes 4 to 6 s, more than half of it for torchvision (via torch._dynamo), timm
and transformers; its `__init__` also imports the hub client. A plain CLIP needs `open_clip.model`
and torch. Models whose image tower is from timm get timm and torchvision.
"""

from __future__ import annotations

import contextlib
import sys
import types
from collections.abc import Iterator
from typing import Any

from photosd.core.libraries import bare_package

NEVER_NEEDED = ("transformers",)


def import_model_module(*, lean: bool) -> Any:
    """The module ``open_clip.model`` without transformers; ``lean``: also without timm."""
    bare_package("open_clip")
    if lean:
        with _absent((*NEVER_NEEDED, "timm")), _torchvision_stub():
            import open_clip.model
    else:
        with _absent(NEVER_NEEDED):
            import open_clip.model
    return open_clip.model


def import_pretrained_table() -> Any:
    """The module ``open_clip.pretrained``, a list of published weights; without the hub client."""
    bare_package("open_clip")
    with _absent(("huggingface_hub", "safetensors")):
        import open_clip.pretrained
    return open_clip.pretrained


@contextlib.contextmanager
def _absent(names: tuple[str, ...]) -> Iterator[None]:
    """Make imports of these packages fail at once; open_clip handles that."""
    hidden = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None: import fails
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


@contextlib.contextmanager
def _torchvision_stub() -> Iterator[None]:
    """The only name of torchvision that open_clip.utils imports, for training with frozen norms."""
    if "torchvision" in sys.modules:
        yield
        return
    names = ("torchvision", "torchvision.ops", "torchvision.ops.misc")
    stubs = {name: types.ModuleType(name) for name in names}
    stubs["torchvision.ops.misc"].FrozenBatchNorm2d = type("FrozenBatchNorm2d", (), {})  # type: ignore[attr-defined]
    sys.modules.update(stubs)
    try:
        yield
    finally:
        for name in names:
            del sys.modules[name]
