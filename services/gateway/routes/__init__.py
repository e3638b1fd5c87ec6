"""One file per noun of the API; each function is one operation, named ``<file>.<verb>`` in policy.py."""
