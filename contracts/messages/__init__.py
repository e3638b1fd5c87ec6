"""Messages by owner. Events are past participles, commands imperatives; a new field is optional, a removed one a v2."""
