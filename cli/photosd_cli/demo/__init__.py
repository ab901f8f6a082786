"""`photosd demo`: sample pictures and a scenario. Slow to import; nothing else imports it."""
