"""The lateness brain: the fitted parameters with what is known of each customer's paying, in one checked folder.

Past invoices are kept with their days and amounts under a hash of the customer's id, since a forecast is as of the day its invoice
was issued: payments from that day on do not count.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import NamedTuple, Self

from pydantic import TypeAdapter, ValidationError

from ..core.errors import BadInput
from ..core.noun import Noun, canonical_json, digest
from .brain_files import BrainFolder, read_folder, write_folder
from .lateness import History, LatenessModel, Settled, shipped_model
from .lateness_rows import Bill

TASK = "lateness"
KIND = "lateness"
"""What the card of a lateness brain says it is."""
TIER = "payments"
"""There is no lower one: the model is arithmetic and always there."""
_MODEL, _PAST = "model.json", "customers.json"
_HINT = "Train it again with `shiftlead brain train --task lateness`."


class PastBill(NamedTuple):
    """One invoice of the past."""

    issued: date
    due: date
    paid: date | None
    amount: str
    """In plain figures, without needless zeros."""
    disputed: bool
    paper: bool | None

    @property
    def settled(self) -> Settled:
        """As the model takes it; only for a paid one."""
        assert self.paid is not None
        return Settled(due=self.due, paid=self.paid, disputed=self.disputed, paper=self.paper, amount=float(self.amount))


Past = dict[str, tuple[PastBill, ...]]
"""What is known of each customer, by `key_of`."""
_PAST_JSON: TypeAdapter[Past] = TypeAdapter(Past)


class LatenessMeta(Noun):
    """What a lateness brain knows about itself."""

    task: str = TASK
    data_digest: str
    examples: int
    """Paid invoices that it was fitted on."""
    customers: int
    known_until: date | None = None
    """The last day on which an invoice that it knows was issued or paid."""
    scores: dict[str, float]
    made_with: dict[str, str] = {}


class Forecast(NamedTuple):
    """What is expected of one invoice."""

    id: str
    p_late: float
    """P(paid after the due date)."""
    expected_days_late: float
    """An early payment counts as zero."""


class LatenessBrain:
    """A fitted model with its customers' past; never changes, safe to share between threads."""

    tier = TIER
    announcement = ""

    def __init__(self, meta: LatenessMeta, model: LatenessModel, past: Past) -> None:
        self.meta = meta
        self.model = model
        self.past = past
        self.labels: tuple[str, ...] = ()
        fitted = model.model_dump(exclude={"measured", "trained_on"})
        self.digest = digest({"model": fitted, "past": past})
        """SHA-256 of everything that decides a forecast."""

    @property
    def name(self) -> str:
        """`lateness-` and the first 12 digits of the digest."""
        return f"{self.meta.task}-{self.digest[:12]}"

    def forecast(self, bills: Sequence[Bill]) -> list[Forecast]:
        """One forecast for each of `bills`, as of its invoice date.

        History is what the brain remembers, and `bills` themselves where any of them is paid: then they are a ledger, in which what
        has no payment is unpaid. Without a single payment they are questions, and say nothing about each other. An invoice in
        both counts once.
        """
        ledger = bills if any(one.paid is not None for one in bills) else ()
        known: dict[str, set[PastBill]] = defaultdict(set)
        known.update({key: set(own) for key, own in self.past.items()})
        for bill in ledger:
            known[key_of(bill.customer)].add(_remembered(bill))
        return [self._one(bill, known[key_of(bill.customer)]) for bill in bills]

    def _one(self, bill: Bill, own: Iterable[PastBill]) -> Forecast:
        day = bill.issued
        history = History.as_of(
            day,
            (one.settled for one in own if one.paid is not None and one.paid < day),
            sorted(one.due for one in own if one.issued < day and (one.paid is None or day <= one.paid)),
        )
        found = self.model.outlook(history, amount=float(bill.amount), paper=bill.paper)
        return Forecast(bill.id, found.late, found.days_late)

    def save(self, folder: Path) -> None:
        """Write the brain to an empty or new folder; raises Conflict or BadInput."""
        content = self.packed()
        write_folder(folder, content.card, content.files)

    def packed(self) -> BrainFolder:
        """What its folder holds."""
        files: dict[str, object] = {_MODEL: self.model, _PAST: self.past}
        card = {"kind": KIND, "version": 1, "digest": self.digest, "meta": self.meta.model_dump(mode="json")}
        return BrainFolder(card, {name: canonical_json(value).encode() for name, value in files.items()})

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The brain in `folder`; raises BadInput where it is missing, damaged or of another kind."""
        return cls.unpacked(read_folder(folder), str(folder))

    @classmethod
    def unpacked(cls, content: BrainFolder, origin: str) -> Self:
        """The brain that `content` holds; raises BadInput."""
        if content.card.get("kind") != KIND:
            raise BadInput(
                f"{origin} is no lateness brain.", hint="Give one made with `shiftlead brain train --task lateness`."
            )
        try:
            meta = LatenessMeta.model_validate(content.card["meta"])
            model = LatenessModel.model_validate_json(content.files[_MODEL])
            past = _PAST_JSON.validate_json(content.files[_PAST])
        except (ValidationError, KeyError) as error:
            raise BadInput(f"{origin} is not a lateness brain of this version.", hint=_HINT) from error
        brain = cls(meta, model, past)
        if brain.digest != content.card.get("digest"):
            raise BadInput(f"{origin} is damaged: its content does not match its own hash.", hint=_HINT)
        return brain

    @classmethod
    def shipped(cls) -> Self:
        """The parameters that ship, which remember nobody: it goes by the paid rows in the file alone."""
        model = shipped_model()
        return cls(LatenessMeta(data_digest="", examples=0, customers=0, scores=model.measured), model, {})


def key_of(customer: str) -> str:
    """Under what a customer is remembered: a hash, so that the folder holds no ids; whoever has a list of ids can find them again."""
    return hashlib.sha256(f"shiftlead lateness {customer}".encode()).hexdigest()[:24]


def remembered(bills: Iterable[Bill]) -> tuple[Past, date | None]:
    """The past of each customer in `bills` in the order of the invoices, and the last day in it."""
    found: dict[str, set[PastBill]] = defaultdict(set)
    last: date | None = None
    for one in bills:
        found[key_of(one.customer)].add(_remembered(one))
        last = max(day for day in (last, one.issued, one.paid) if day is not None)
    return {key: tuple(sorted(own, key=canonical_json)) for key, own in sorted(found.items())}, last


def _remembered(bill: Bill) -> PastBill:
    return PastBill(bill.issued, bill.due, bill.paid, format(bill.amount.normalize(), "f"), bill.disputed, bill.paper)
