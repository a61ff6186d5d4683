"""Playbooks: what a worker follows, in one versioned file that an operations lead can read."""

from importlib.resources import files
from pathlib import Path
from typing import Any, Self

import yaml
from pydantic import Field, ValidationError, model_validator

from ..core.errors import SettingsError
from ..core.noun import Noun
from .prompt_file import PromptFile, load_prompt


class Step(Noun):
    """One numbered step of the standard operating procedure."""

    number: int = Field(ge=1)
    text: str = Field(min_length=1)


class Target(Noun):
    """One KPI of the worker with what it should be."""

    name: str
    """A KPI that `shiftlead kpi` computes: `touchless_rate`."""
    target: float
    """What it should reach, in the KPI's own unit."""


class Playbook(Noun):
    """The SOP, the tools, the time allowed and the words of one worker."""

    name: str
    version: int = Field(ge=1)
    title: str
    purpose: str
    """What the worker is for, in one or two sentences."""
    owner: str
    """Who answers for it: a role or a team."""
    steps: tuple[Step, ...] = Field(min_length=1)
    operations: tuple[str, ...] = Field(min_length=1)
    """The only operations the worker may read or propose."""
    sla_hours: dict[int, float] = {1: 4, 2: 8, 3: 24, 4: 72}
    """Hours from receipt to close, by priority (1 is most urgent)."""
    reject_reasons: tuple[str, ...] = ("wrong_action", "wrong_data", "not_now", "ask_customer", "policy")
    """What an operator can pick when rejecting; digit 1 is the first."""
    kpis: tuple[Target, ...] = ()
    settings: dict[str, Any] = {}
    """Numbers and words that the worker's own reasoning uses: tolerances, windows, channels."""
    prompt: PromptFile | None = None
    """The words that a language model is asked with; the shipped ones where None. A file names it by its path beside the playbook."""

    @model_validator(mode="after")
    def _numbered_without_gaps(self) -> Self:
        numbers = [step.number for step in self.steps]
        if numbers != list(range(1, len(numbers) + 1)):
            raise ValueError(f"steps must be numbered 1, 2, 3, … without gaps; found {numbers}")
        return self

    @property
    def ref(self) -> str:
        """Name and version, as an envelope carries them: `invoices@3`."""
        return f"{self.name}@{self.version}"

    def step(self, number: int) -> str:
        """The text of one step; empty where there is none of that number."""
        return next((step.text for step in self.steps if step.number == number), "")


class PlaybookSettings(Noun):
    """Base of what a worker reads from `Playbook.settings`: its own numbers and words, checked when the worker is made."""

    @classmethod
    def of(cls, playbook: Playbook) -> Self:
        """The settings of `playbook`; raises SettingsError naming the one that is missing or wrong."""
        try:
            return cls.model_validate(playbook.settings)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "settings"
            raise SettingsError(
                f"Playbook {playbook.ref}: settings.{where}: {first['msg']}.",
                hint="See the shipped playbook; put amounts, and words that YAML takes for yes or no, in quotes.",
            ) from error


def parse_playbook(text: str, *, origin: str, folder: Path | None = None) -> Playbook:
    """The playbook in `text`; raises SettingsError naming `origin`, the field and what was expected.

    The prompt that it names lies in `folder`.
    """
    try:
        raw = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "it is not YAML"
        raise SettingsError(f"{origin}{line}: {problem}.", hint="Mend the YAML of the playbook.") from error
    if not isinstance(raw, dict):
        raise SettingsError(f"{origin}: a playbook is a mapping of fields.", hint="Start it with `name:` and `version:`.")
    if isinstance(raw.get("prompt"), str) and folder is not None:
        raw["prompt"] = load_prompt(folder / raw["prompt"])
    try:
        return Playbook.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "playbook"
        raise SettingsError(f"{origin}: {where}: {first['msg']}.", hint="See docs/playbooks.md.") from error


def load_playbook(path: Path) -> Playbook:
    """The playbook in a file; raises SettingsError where it is missing or does not hold together."""
    try:
        return parse_playbook(path.read_text(encoding="utf-8"), origin=str(path), folder=path.parent)
    except OSError as error:
        raise SettingsError(f"The playbook {str(path)!r} cannot be read: {error.strerror}.", hint="Check its path.") from error


def shipped_playbook(name: str) -> Playbook:
    """The playbook that ships with the worker called `name`."""
    resource = files(__package__).joinpath(f"{name}.yaml")
    return parse_playbook(resource.read_text(encoding="utf-8"), origin=f"agents/{name}.yaml")
