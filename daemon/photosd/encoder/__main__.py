"""``python -m photosd.encoder FD PARENT MODEL_DIRECTORY DEVICE``: an encoder without a zygote."""

from __future__ import annotations

import sys
from pathlib import Path

from photosd.core.worker_setup import attach
from photosd.encoder.process import run_encoder

if __name__ == "__main__":
    run_encoder(attach(sys.argv[1:3]), Path(sys.argv[3]), sys.argv[4])
