"""JSON objects kept in the store for as long as the marks are: their versions only grow."""
