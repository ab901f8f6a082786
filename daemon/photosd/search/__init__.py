"""Answers queries: query vectors, nearest photos, strengths, fallbacks."""
