"""Approved replies to tickets: checked when they are loaded, filled from records only."""

import re
from functools import cache
from importlib.resources import files
from string import Formatter

import yaml
from pydantic import Field, ValidationError

from ..core.errors import SettingsError
from ..core.lookalikes import without_invisible
from ..core.noun import Noun

_SLOTS = frozenset({"name", "ticket", "house"})
_ELSEWHERE = re.compile(r"://|@|\w\.[a-z]{2}|\d(?:[\s()./-]*\d){6}|\b[a-z]{2}\d{2}", re.IGNORECASE)
"""What could send the reader of a subject somewhere: an address, a phone number, an account."""
_AUTOMATIC = re.compile(r"^(?:mailer-?daemon|postmaster|bounces?|(?:no|do-?not)[-_.]?reply)(?:[-+_.=].*)?@", re.IGNORECASE)
_LONGEST_SUBJECT = 120


class Replies(Noun):
    """Every approved reply, by its key."""

    version: int = Field(ge=1)
    greeting: str
    closing: str
    replies: dict[str, str]

    def draft(self, key: str, *, name: str, ticket: str, house: str) -> str:
        """The whole message; raises SettingsError where no reply is approved under `key`."""
        if key not in self.replies:
            raise SettingsError(f"No reply is approved under {key!r}.", hint="Add it to agents/triage_replies.yaml.")
        parts = (self.greeting, self.replies[key], self.closing)
        return "\n\n".join(parts).format(name=name, ticket=ticket, house=house)

    def ref(self, key: str) -> str:
        """Key and version, as an action carries them: `order_status@1`."""
        return f"{key}@{self.version}"


@cache
def replies() -> Replies:
    """The replies that ship with the triage worker."""
    return parse_replies(
        files(__package__).joinpath("triage_replies.yaml").read_text("utf-8"), origin="agents/triage_replies.yaml"
    )


def reply_subject(subject: str, ticket: str) -> str:
    """The requester's own subject with `Re:`, or the ticket's id where it holds more than words.

    The sender of a mail can be forged, so its subject must not reach the one it was forged for in our name.
    """
    seen = "".join(one if one.isprintable() else " " for one in without_invisible(subject))
    words = " ".join(seen.split())[:_LONGEST_SUBJECT]
    if not words or _ELSEWHERE.search(words):
        return f"Re: your request {ticket}"
    return words if words.casefold().startswith("re:") else f"Re: {words}"


def is_automatic(address: str) -> bool:
    """Whether mail from this address is written by a program, which would answer an answer (after RFC 3834)."""
    return bool(_AUTOMATIC.match(address.strip()))


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
