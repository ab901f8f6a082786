"""What every part shares: errors, paths, settings, logs, frames, deadlines."""
