"""From a question to an answer: query vectors, nearest photos, strength, honest fallbacks."""
