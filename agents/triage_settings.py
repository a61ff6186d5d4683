"""The triage playbook's numbers and words, checked when the worker is made."""

from pydantic import Field

from ..core.settings import House
from .playbook import PlaybookSettings


class TriageSettings(PlaybookSettings):
    """The playbook's numbers and words."""

    house: House
    """Who replies."""
    model: str = ""
    """A model of `shiftlead brain train`, trained on the intents' names; the shipped one where empty."""
    languages: tuple[str, ...] = ("en",)
    """The languages the model reads."""
    language_floor: float = Field(default=0.35, ge=0, le=1)
    """How sure another language must be before a ticket counts as foreign."""
    scope_floor: float = Field(default=0.40, ge=0, le=1)
    repeat_days: int = Field(default=7, ge=1)
    repeat_likeness: float = Field(default=0.80, ge=0, le=1)
    language_queue: str = "service"
