"""Tests of switching from one model to another."""
