"""photosd: a warm, offline daemon that finds photos by their description."""

__version__ = "0.1.0"
