"""render knows ink: final documents out of marking records and scans."""
