"""Rules without input or output: standard library and contracts only."""
