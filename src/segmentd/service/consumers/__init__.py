"""Consumers of changes: each has a thread of its own, a position that is kept, retries, and dead letters."""
