"""Tests of `photosd web`."""
