"""Shared basics: errors, paths, settings, logs, frames, deadlines."""
