"""Published memberships in memory-mapped files: written by the engine, read by workers without a lock."""
