"""What is in memory, as a file beside the database: written now and then and at a stop, read at a start."""
