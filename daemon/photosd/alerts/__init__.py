"""Standing queries: what is to happen, once, for each new photo that matches."""
