"""Watches the disk: ignore rules, scans, the state of folders, and hints about changes."""
