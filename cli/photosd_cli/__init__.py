"""The photosd command line: a thin client that queries the daemon and shows the answers."""
