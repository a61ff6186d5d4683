"""The shared nouns and the one record; imports no other room and no framework."""
