"""Worker processes: started on a socketpair, killed without mercy, never left behind."""
