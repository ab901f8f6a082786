"""photosd as a system service: units, liveness, starting and stopping."""
