"""Gemini, for those who ask for it: consent, keys, budget, calls, and what came of them."""
