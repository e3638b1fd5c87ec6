"""What looks at all databases and the object store at once, for operators. No service imports it."""
