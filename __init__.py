"""AI workers for operations teams, with a person in charge."""

__version__ = "0.1.0"
