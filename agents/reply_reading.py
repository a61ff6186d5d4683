"""What a customer's answer to a reminder says: its kind, a promise's day and amount, its language and tone.

The kind comes from the reply brain, everything else from rules. All of it is somebody else's words: it may slow collections down, and
never allow what the records forbid.
"""

import re
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from ..core.money import Money
from .entities import Entity, EntityKind, entities_of
from .language import Language, language_of
from .own_words import own_words
from .reply_tone import Tone, tone_of

if TYPE_CHECKING:
    from .text_brain import TextBrain

PERSON = "person"
"""What a reply is that nobody but a person should read: of no kind, in another language, or not told apart well enough."""
STOPS = frozenset({"dispute", "opt_out", "wrong_contact", "bankruptcy", "paid_already", "question"})
"""Kinds after which dunning must not simply go on."""
FLOOR = 0.5
"""Below this the best guess is no guess; a setting, no promise: what may run alone is certified per action."""
_LANGUAGE_FLOOR = 0.35
_READS = frozenset({"en"})
_STOP_WORD = re.compile(r"\W*(?:stop|end|quit|unsubscribe)\W*", re.IGNORECASE)


class Reply(NamedTuple):
    """What is made of one answer."""

    kind: str
    """A label of the reply brain, or `person`."""
    guess: str
    """The best label, however unsure."""
    confidence: float
    words: str
    """What the writer wrote himself."""
    language: Language
    tone: Tone
    promised_on: date | None = None
    """Only of a promise that names one day of which there is one reading."""
    amount: Money | None = None
    """Only of a promise that names one amount."""
    invoices: tuple[str, ...] = ()
    """Invoice numbers as written."""
    brain: str = ""
    """Name of the brain that guessed."""

    @property
    def stops(self) -> bool:
        """Whether dunning must not simply go on: it says so, or a person has to read it."""
        return self.kind in STOPS or self.kind == PERSON


def read_reply(text: str, *, today: date, brain: "TextBrain | None" = None) -> Reply:
    """What `text` says, read on `today`; by the shipped brain unless another is given."""
    chosen = brain or shipped_reply_brain()
    words = own_words(text)
    language, found = language_of(words), chosen.predict(words)
    guess, confidence = (found.label, found.confidence)
    if _STOP_WORD.fullmatch(words):
        # One word leaves a model little to go by, and this one has one meaning only.
        guess, confidence = "opt_out", 1.0
    foreign = language.code not in _READS and language.confidence >= _LANGUAGE_FLOOR
    unsure = confidence < FLOOR or guess == "out_of_scope"
    kind = PERSON if foreign or unsure else guess
    mentions = entities_of(words, reference=today)
    day, amount = _promised(mentions, today) if kind == "promise" else (None, None)
    return Reply(
        kind=kind, guess=guess, confidence=round(confidence, 4), words=words, language=language, tone=tone_of(words),
        promised_on=day, amount=amount, invoices=tuple(one.value for one in mentions if one.kind is EntityKind.INVOICE),
        brain=chosen.name,
    )  # fmt: skip


@cache
def shipped_reply_brain() -> "TextBrain":
    """The reply brain that ships."""
    from .brain_shelf import shipped_brain
    from .text_brain import TextBrain

    found = shipped_brain("reply")
    assert isinstance(found, TextBrain)
    return found


def _promised(mentions: tuple[Entity, ...], today: date) -> tuple[date | None, Money | None]:
    days = {one.day for one in mentions if one.kind is EntityKind.DATE and one.certain and one.day and one.day >= today}
    amounts = {one.money for one in mentions if one.kind is EntityKind.AMOUNT and one.money}
    return (days.pop() if len(days) == 1 else None), (amounts.pop() if len(amounts) == 1 else None)
