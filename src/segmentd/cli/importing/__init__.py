"""Bringing in profiles and events from files: rows are read, made into items, and sent in batches."""
