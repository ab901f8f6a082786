"""`photosd demo`: pictures, and a story told with them. Heavy; nothing else imports it."""
