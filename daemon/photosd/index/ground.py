"""What every model stands on: the catalog in its parts, the decoders, and whom to tell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from photosd.decode.pool import Pool
from photosd.index.catalog import Catalog
from photosd.index.contents import Contents
from photosd.index.database import Database
from photosd.index.folders import Folders
from photosd.ipc.messages import Coverage


@dataclass(frozen=True)
class Ground:
    """Shared by all models of one library; `index` is the directory of their tables."""

    index: Path
    database: Database
    catalog: Catalog
    contents: Contents
    folders: Folders
    pool: Pool
    coverage: Callable[[], Coverage]
    look_at: Callable[[bytes], None]
    remembers: Callable[[], bool] = lambda: True  # whether queries are remembered on the disk
