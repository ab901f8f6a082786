"""Communication with the daemon: the protocol, its server and its client."""
