"""Reference pages generated from code: commands, settings, exit codes, the manual page."""
