"""The triage playbook's numbers and words, checked when the worker is made."""

from pydantic import Field, ValidationError

from ..core.errors import SettingsError
from ..core.noun import Noun
from ..core.settings import House
from .playbook import Playbook


class TriageSettings(Noun):
    """The playbook's numbers and words."""

    house: House
    """Who replies."""
    languages: tuple[str, ...] = ("en",)
    """The languages the model reads."""
    language_floor: float = Field(default=0.35, ge=0, le=1)
    """How sure another language must be before a ticket counts as foreign."""
    scope_floor: float = Field(default=0.40, ge=0, le=1)
    repeat_days: int = Field(default=7, ge=1)
    repeat_likeness: float = Field(default=0.80, ge=0, le=1)
    general_queue: str = "service"
    language_queue: str = "service"

    @classmethod
    def of(cls, playbook: Playbook) -> "TriageSettings":
        """The settings of a playbook; raises SettingsError naming the one that is wrong."""
        try:
            return cls.model_validate(playbook.settings)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise SettingsError(f"Playbook {playbook.ref}: settings.{where}: {first['msg']}.", hint="Mend it.") from error
