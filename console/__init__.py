"""The person's place: command line and screens."""
