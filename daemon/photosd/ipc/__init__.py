"""How other processes talk to the daemon: the protocol, its server and its client."""
