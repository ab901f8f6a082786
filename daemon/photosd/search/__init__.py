"""Answers queries: query vectors, nearest photos, ratings, fallbacks."""
