"""The records behind the guard suite: what a shop and an airline know, and the calls that would change it.

Derived from tau2-bench and tau-bench (MIT, see NOTICE); `guard_records.json.gz` holds them without names, mail or addresses.
"""

import gzip
import json
from datetime import datetime
from decimal import Decimal
from importlib.resources import files
from typing import Any

from ..core.errors import BadInput
from ..core.money import Exact
from ..core.noun import Noun, canonical_json


class Method(Noun):
    """One payment method of a customer."""

    source: str
    """credit_card, gift_card, paypal or certificate."""
    balance: Exact | None = None
    """What is left on a gift card or certificate."""


class Customer(Noun):
    """Whoever may ask for a change of their own records."""

    methods: dict[str, Method]
    membership: str = ""
    """regular, silver or gold, at the airline."""


class Line(Noun):
    """One item of an order."""

    item: str
    product: str
    price: Exact


class Order(Noun):
    """An order of the shop."""

    customer: str
    status: str
    lines: tuple[Line, ...]
    paid_by: str
    """The payment method it was last charged to."""
    total: Exact
    changes: int = 0
    """How often its items were modified or exchanged."""


class Item(Noun):
    """What the catalogue says of one variant."""

    product: str
    available: bool
    price: Exact


class Shop(Noun):
    """Everything the shop's rules may look at."""

    customers: dict[str, Customer]
    orders: dict[str, Order]
    items: dict[str, Item]


class Leg(Noun):
    """One flight on one day."""

    number: str
    day: str

    def __str__(self) -> str:
        return f"{self.number} {self.day}"


class Reservation(Noun):
    """A reservation of the airline."""

    customer: str
    origin: str
    destination: str
    trip: str
    """one_way or round_trip."""
    cabin: str
    legs: tuple[Leg, ...]
    passengers: int
    booked_at: datetime
    bags: int
    insured: bool


class Airline(Noun):
    """What is known of the airline: a part of its records, so one that is not there may still exist."""

    now: datetime
    customers: dict[str, Customer]
    reservations: dict[str, Reservation]
    routes: dict[str, tuple[str, str]]
    """Origin and destination by flight number."""
    departures: dict[str, str]
    """Time of departure by flight number, as HH:MM:SS."""
    statuses: dict[str, str]
    """available, delayed, on time, flying, landed or cancelled, by leg."""


class Conversation(Noun):
    """What the conversation settled before a call; None where it is not known."""

    customer: str
    """Whose identity was established."""
    authenticated: bool | None = True
    confirmed: bool | None = True
    """The customer saw the details and said yes."""
    about: str = ""
    """The reservation that was read last."""
    changed: tuple[str, ...] = ()
    """Reservations changed or cancelled in this conversation."""
    told: dict[str, str | bool] = {}
    """What the customer said, by name of the fact: `cancel_reason`, `complaint`, `compensation_requested`."""


class Call(Noun):
    """One write that an agent proposes."""

    id: str
    tool: str
    arguments: dict[str, Any]
    conversation: Conversation


class Script(Noun):
    """The writes of one conversation, in order: each changes what the next one finds."""

    origin: str
    """`tasks` for the benchmark's own solution, `runs` for a recorded run."""
    calls: tuple[Call, ...]
    reward: bool = True
    """Whether the run reached the wanted state."""
    refused: tuple[str, ...] = ()
    """Ids of the calls that the system itself answered with an error."""


class GuardData(Noun):
    """All the records and scripts of both domains."""

    shop: Shop
    airline: Airline
    retail: tuple[Script, ...]
    flights: tuple[Script, ...]


FILE = "guard_records.json.gz"


def packed(data: GuardData) -> bytes:
    """`data` as the bytes of the shipped file, the same on every machine."""
    return gzip.compress(canonical_json(data).encode(), compresslevel=9, mtime=0)


def unpacked(raw: bytes) -> GuardData:
    """The data in the bytes of such a file; raises BadInput where they hold something else."""
    try:
        return GuardData.model_validate(json.loads(gzip.decompress(raw), parse_float=Decimal))
    except (OSError, EOFError, ValueError) as error:
        raise BadInput("The records of the guard suite cannot be read.", hint="Install the package again.") from error


def shipped_data() -> GuardData:
    """The data that comes with the package."""
    return unpacked(files(__package__).joinpath(FILE).read_bytes())
