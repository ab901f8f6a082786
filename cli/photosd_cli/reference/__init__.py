"""Reference pages written from the code: commands, settings, exit codes and the manual page."""
