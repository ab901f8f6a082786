"""The running daemon: its process, wiring, operations, liveness, and changing its model."""
