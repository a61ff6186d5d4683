"""Do the workers do right."""
