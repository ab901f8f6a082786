"""photosd: a warm, offline daemon that finds photos by their description."""

import photosd.core.old_names  # noqa: F401

__version__ = "0.1.0"
