"""The interactive mode, `photosd tui`: a process of its own that imports Textual."""
