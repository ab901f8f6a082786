"""The command line of photosd: thin, it asks the daemon and shows what it says."""
