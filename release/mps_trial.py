"""Tries a device of PyTorch in processes of their own: one thread, then two at once.

`python -m release.mps_trial [mps|cpu]` prints how each ended. Metal may abort the process when two
threads use it, so the trial is its child. The exit code is 0 if one thread works, or if the system
does not offer the device; photosd uses one.
"""

from __future__ import annotations

import signal
import subprocess
import sys

TRIAL_SECONDS = 180
TRIAL = """
import faulthandler, sys, threading, torch
faulthandler.enable()
device, threads = sys.argv[1], int(sys.argv[2])
print(torch.__version__, "mps:", torch.backends.mps.is_built(), torch.backends.mps.is_available())
if device == "mps" and not torch.backends.mps.is_available():
    sys.exit(3)
torch.manual_seed(7)
model = torch.nn.TransformerEncoderLayer(128, 4, 256, batch_first=True).eval()
sizes = [(1, 32, 128), (16, 50, 128)]  # a text, a batch of images
inputs = [torch.randn(sizes[n % 2]) for n in range(threads)]
with torch.inference_mode():
    right = [model(given) for given in inputs]
model.to(device)
wrong = []
def work(given, right):
    with torch.inference_mode():
        for _ in range(100):
            if (model(given.to(device)).cpu() - right).abs().max() > 1e-2:
                wrong.append(given.shape)
workers = [threading.Thread(target=work, args=pair) for pair in zip(inputs, right)]
for one in workers: one.start()
for one in workers: one.join()
print("wrong results:", len(wrong))
sys.exit(4 if wrong else 0)
"""
UNAVAILABLE, WRONG = 3, 4
ENDED = {0: "works", UNAVAILABLE: "the device is not available", WRONG: "wrong results"}


def main(device: str) -> int:
    """Try both; returns 1 if the device is there and fails in one thread."""
    alone = trial(device, 1)
    print(f"{device}, one thread: {alone}")
    print(f"{device}, two threads: {trial(device, 2)}", flush=True)
    return int(alone not in (ENDED[0], ENDED[UNAVAILABLE]))


def trial(device: str, threads: int) -> str:
    """How the trial ended, in words; its output is shown."""
    command = [sys.executable, "-c", TRIAL, device, str(threads)]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=TRIAL_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return f"hangs: no end within {TRIAL_SECONDS} s"
    print("".join(f"  {line}\n" for line in (done.stdout + done.stderr).splitlines()[-40:]), end="")
    if done.returncode < 0:
        return f"killed by {signal.Signals(-done.returncode).name}"
    return ENDED.get(done.returncode, f"exit code {done.returncode}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "mps"))
