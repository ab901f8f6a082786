"""How a version is released: `make release VERSION=0.2.0`; never part of what is installed."""
