"""Tests of installing models."""
