"""Libraries as people have them, made by a seed, and a daemon with stand-ins to index them."""
