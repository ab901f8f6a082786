"""Optional Gemini support: consent, keys, budget, calls, and stored results."""
