"""Files of definitions: read, compared with the server, applied."""
