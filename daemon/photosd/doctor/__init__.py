"""The doctor: every check of an installation, from outside, so that it works without the daemon."""
