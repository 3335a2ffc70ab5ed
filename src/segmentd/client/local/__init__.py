"""Checks answered in the process of the caller, from a copy of the members of chosen segments."""
