"""Approved replies to tickets: checked when they are loaded, filled from records only."""

from functools import cache
from importlib.resources import files
from string import Formatter

import yaml
from pydantic import Field, ValidationError

from ..core.errors import SettingsError
from ..core.noun import Noun

_SLOTS = frozenset({"name", "ticket", "house"})


class Replies(Noun):
    """Every approved reply, by its key."""

    version: int = Field(ge=1)
    house: str = Field(min_length=1)
    greeting: str
    closing: str
    replies: dict[str, str]

    def draft(self, key: str, *, name: str, ticket: str) -> str:
        """The whole message; raises SettingsError where no reply is approved under `key`."""
        if key not in self.replies:
            raise SettingsError(f"No reply is approved under {key!r}.", hint="Add it to agents/triage_replies.yaml.")
        parts = (self.greeting, self.replies[key], self.closing)
        return "\n\n".join(parts).format(name=name, ticket=ticket, house=self.house)

    def ref(self, key: str) -> str:
        """Key and version, as an action carries them: `order_status@1`."""
        return f"{key}@{self.version}"


@cache
def replies() -> Replies:
    """The replies that ship with the triage worker."""
    return parse_replies(
        files(__package__).joinpath("triage_replies.yaml").read_text("utf-8"), origin="agents/triage_replies.yaml"
    )


def parse_replies(text: str, *, origin: str) -> Replies:
    """The replies in `text`; raises SettingsError naming the reply and the slot that cannot be filled."""
    try:
        found = Replies.model_validate(yaml.safe_load(text))
    except (yaml.YAMLError, ValidationError) as error:
        cause = str(error).splitlines()[0]
        raise SettingsError(f"{origin} does not hold together: {cause}.", hint="Compare it with the shipped file.") from error
    for key, body in (("greeting", found.greeting), ("closing", found.closing), *found.replies.items()):
        unknown = {slot for _, slot, _, _ in Formatter().parse(body) if slot is not None} - _SLOTS
        if unknown:
            known = ", ".join(sorted(_SLOTS))
            raise SettingsError(f"{origin}: {key}: the slot {min(unknown)!r} cannot be filled.", hint=f"Known: {known}.")
    return found
