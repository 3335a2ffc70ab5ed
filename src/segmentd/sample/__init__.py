"""Sample data of a small shop app: profiles and a year of events, the same for the same seed."""
