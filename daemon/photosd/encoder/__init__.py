"""The encoder: a process with one warm model, and the supervisor thread that controls it."""
