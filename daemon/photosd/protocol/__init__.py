"""Communication with the daemon: the protocol, its server and its client."""

QUERY_DEADLINE_MS = 3000  # default of a query, in milliseconds
