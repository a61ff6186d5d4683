"""The customer's last mail that nobody has answered: read before anything more is sent, so that no reminder goes over an objection."""

from collections.abc import Iterable
from datetime import date, datetime
from functools import lru_cache

from ..connectors.records import Activity
from ..core.clock import as_utc, today
from ..core.evidence import Trust
from ..core.noun import Noun
from ..tools.desk import Desk
from .reply_reading import PERSON, Reply, read_reply

_MEANS = {
    "dispute": "a dispute",
    "opt_out": "a wish not to be contacted",
    "wrong_contact": "a wrong address",
    "bankruptcy": "a bankruptcy",
    "paid_already": "a payment already made",
    "question": "a question",
    PERSON: "nothing that can be placed",
}
_REMEMBERED = 512


class Heard(Noun):
    """What an unanswered mail was read as."""

    kind: str
    confidence: float
    on: date
    stops: bool
    """Whether no contact may be proposed before a person has read it."""

    def question(self, name: str) -> str:
        """What a person should settle before the next contact."""
        sure = f" ({self.confidence:.0%} sure)" if self.kind != PERSON else ""
        return f"{name} wrote on {self.on}, and nobody has answered: it reads as {_MEANS.get(self.kind, self.kind)}{sure}. Answer it first?"


def unanswered(activities: Iterable[Activity], now: datetime) -> Activity | None:
    """The newest incoming mail since anybody did anything on the account; None where there is none."""
    past = [one for one in activities if as_utc(one.at) <= now]
    newest = max((one for one in past if one.type == "email_in"), key=lambda one: (as_utc(one.at), one.id), default=None)
    if newest is None or any(as_utc(one.at) > as_utc(newest.at) for one in past if not one.type.endswith("_in")):
        return None
    return newest


def heard(desk: Desk, activities: Iterable[Activity]) -> Heard | None:
    """Read the unanswered mail and lay on the desk what it was read as; None where there is none."""
    mail = unanswered(activities, desk.clock.now())
    if mail is None:
        return None
    text = f"{mail.subject}\n{mail.body}" if mail.subject and mail.subject not in mail.body else mail.body
    reply = _read(text, today(desk.clock))
    desk.cite("Unanswered mail", reply.words[:200], of=mail, trust=Trust.UNTRUSTED)
    desk.conclude("It reads as", reply.kind, f"{reply.guess} {reply.confidence:.2f} sure; {reply.brain}")
    return Heard(kind=reply.kind, confidence=reply.confidence, on=as_utc(mail.at).date(), stops=reply.stops)


@lru_cache(maxsize=_REMEMBERED)
def _read(text: str, day: date) -> Reply:
    return read_reply(text, today=day)
