"""The gateway knows people: who asks, what they may ask, and how it looks over HTTP."""
