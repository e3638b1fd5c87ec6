"""Tables and queries. One module per aggregate; nothing here decides."""
