"""Users as columns: kinds, vocabularies, attribute columns, event tables and the views that are judged."""
