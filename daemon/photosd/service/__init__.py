"""photosd as a service of the system: its units, its signs of life, starting and stopping it."""
