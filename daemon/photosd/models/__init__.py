"""Models as local directories: `model.json`, weights, tokenizer; never a hub name."""
