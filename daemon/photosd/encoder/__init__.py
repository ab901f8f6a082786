"""The encoder: a process with one warm model, and the watchdog thread that controls it."""
