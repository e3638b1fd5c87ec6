"""Real servers and doubles for tests; nothing here is imported by a running service."""
