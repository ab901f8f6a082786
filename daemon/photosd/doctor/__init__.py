"""Doctor: checks the installation from outside the daemon, so that it works without one."""
