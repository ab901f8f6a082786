"""Turning photo files into small arrays of pixels, in processes that are cheap to lose."""
