"""Installs models: a separate process reads, converts, tests and installs them."""
