"""Decodes photo files into small pixel arrays, in disposable processes."""
