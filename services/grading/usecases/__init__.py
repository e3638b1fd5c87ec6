"""One function per verb. Load, decide, store, tell: each in one transaction."""
