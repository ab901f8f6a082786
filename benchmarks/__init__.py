"""Speed and memory, measured through the whole daemon, beside limits of the same run."""
