"""Resources shared by all models: the parts of the catalog, the decoders, and callbacks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from photosd.core.listeners import Listeners
from photosd.decode.pool import Pool
from photosd.index.catalog import Catalog
from photosd.index.contents import Contents
from photosd.index.database import Database
from photosd.index.folders import Folders
from photosd.places.gazetteer import Gazetteer


@dataclass(frozen=True)
class SharedResources:
    """Passed to each model at work; `index` is the directory of their tables."""

    index: Path
    database: Database
    catalog: Catalog
    contents: Contents
    folders: Folders
    pool: Pool
    look_at: Callable[[bytes], None]  # compare this path with the disk
    work: Listeners = field(default_factory=Listeners)  # notified when there may be work
    remembers: Callable[[], bool] = lambda: True  # whether query embeddings are cached on disk
    gazetteer: Gazetteer | None = None  # names of places
