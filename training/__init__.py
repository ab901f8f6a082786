"""Trains, evaluates and exports the starter model (see training/README.md)."""
