"""The running daemon: its process, wiring, operations, liveness, and changing its model."""

import os

# Read when numpy is imported, which is later. A second BLAS thread spins after each product: a
# query took twice the processor time and was not faster.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
