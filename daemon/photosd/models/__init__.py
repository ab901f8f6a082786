"""Models as directories on disk: `model.json`, weights, tokenizer; never a name on a hub."""
