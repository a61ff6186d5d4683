"""The airline's facts: what the records say about one call, looked up, joined and counted; `guard_airline.yaml` alone decides.

Only a part of the airline's records is known, so a reservation or flight that is not there yields no fact, never a false one.
`changed_airline` is the airline after a call, so that the next call of the same conversation is judged on facts read anew.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from ..core.money import Money
from .guard_records import Airline, Call, Customer, Leg, Reservation

_DEPARTED = frozenset({"flying", "landed"})
_COUNTED = {"certificate": "certificates_used", "credit_card": "credit_cards_used", "gift_card": "gift_cards_used"}


def airline_facts(airline: Airline, call: Call) -> dict[str, Any]:
    """The facts about one call; one that the records do not hold is left out."""
    said = call.conversation
    facts: dict[str, Any] = {"user_confirmed": said.confirmed, "customer_authenticated": said.authenticated}
    if call.tool == "book_reservation":
        return facts | _booking(airline, call)
    named = call.arguments.get("reservation_id", said.about if call.tool == "send_certificate" else "")
    found = airline.reservations.get(str(named))
    if call.tool == "send_certificate":
        facts["record_of_customer"] = call.arguments.get("user_id") == said.customer
    if found is None:
        return facts
    facts |= {"cabin": found.cabin, "insured": found.insured} | _member(airline, found.customer)
    if call.tool == "send_certificate":
        return facts | _certificate(airline, found, call)
    facts["record_of_customer"] = found.customer == said.customer
    return facts | _about(airline, found, call)


def airline_amount(call: Call) -> Money | None:
    """The money in the call's arguments; None where they hold none."""
    paid = call.arguments.get("payment_methods")
    if isinstance(paid, list):
        return Money(amount=sum((Decimal(one["amount"]) for one in paid), Decimal(0)), currency="USD")
    amount = call.arguments.get("amount")
    return None if amount is None else Money(amount=Decimal(amount), currency="USD")


def _about(airline: Airline, found: Reservation, call: Call) -> dict[str, Any]:
    read = {
        "cancel_reservation": _cancellation,
        "update_reservation_flights": _flights,
        "update_reservation_baggages": _baggage,
        "update_reservation_passengers": _passengers,
    }.get(call.tool)
    return {} if read is None else read(airline, found, call)


def _member(airline: Airline, customer: str) -> dict[str, Any]:
    known = airline.customers.get(customer)
    return {} if known is None else {"membership": known.membership}


def _cancellation(airline: Airline, found: Reservation, call: Call) -> dict[str, Any]:
    age = airline.now - found.booked_at
    return {
        "hours_since_booking": Decimal(int(age.total_seconds())) / 3600,
        "any_flown": _any_flown(airline, found.legs),
        "cancelled_by_airline": _status(airline, found.legs, "cancelled"),
        "cancel_reason": call.conversation.told.get("cancel_reason"),
    }


def _flights(airline: Airline, found: Reservation, call: Call) -> dict[str, Any]:
    wanted = _wanted(call)
    facts: dict[str, Any] = {
        "any_flown": _any_flown(airline, found.legs),
        "flights_changed": wanted != found.legs,
        "cabin_changed": call.arguments.get("cabin") != found.cabin,
        "flights_not_bookable": _not_bookable(airline, [leg for leg in wanted if leg not in found.legs]),
    }
    return facts | _route(airline, wanted, found.origin, found.destination, found.trip) | _payment(airline, call)


def _route(airline: Airline, legs: Sequence[Leg], origin: str, destination: str, trip: str) -> dict[str, Any]:
    """How the legs compare with where the trip should go; nothing where the route of a flight is not known."""
    found = [airline.routes.get(leg.number) for leg in legs]
    ends = [one for one in found if one is not None]
    if not ends or len(ends) < len(found):
        return {}
    # The last leg of a round trip only leads home, which is no destination.
    reached = {end[1] for end in ends[:-1]} if trip == "round_trip" else {ends[-1][1]}
    return {
        "same_origin": ends[0][0] == origin,
        "same_destination": destination in reached,
        "same_trip": (ends[-1][1] == origin) == (trip == "round_trip"),
    }


def _baggage(airline: Airline, found: Reservation, call: Call) -> dict[str, Any]:
    bags = _bags(call, found.passengers)
    return bags | _payment(airline, call) | {"bags_removed": found.bags - int(call.arguments["total_baggages"])}


def _bags(call: Call, passengers: int) -> dict[str, Any]:
    total, paid = int(call.arguments["total_baggages"]), int(call.arguments["nonfree_baggages"])
    facts: dict[str, Any] = {"paid_bags": paid}
    if passengers:
        facts["free_bags_per_passenger"] = Decimal(total - paid) / passengers
    return facts


def _passengers(airline: Airline, found: Reservation, call: Call) -> dict[str, Any]:
    del airline
    listed = call.arguments.get("passengers", [])
    return _complete(listed) | {"passenger_count_change": len(listed) - found.passengers}


def _complete(listed: list[dict[str, Any]]) -> dict[str, Any]:
    return {"passengers": len(listed), "passengers_incomplete": sum(not one.get("complete") for one in listed)}


def _booking(airline: Airline, call: Call) -> dict[str, Any]:
    name, listed = str(call.arguments.get("user_id")), call.arguments.get("passengers", [])
    facts = {"record_of_customer": name == call.conversation.customer, "cabin": call.arguments.get("cabin")}
    facts |= _member(airline, name) | _complete(listed) | _bags(call, len(listed))
    facts["flights_not_bookable"] = _not_bookable(airline, _wanted(call))
    origin, destination, trip = (str(call.arguments.get(key)) for key in ("origin", "destination", "flight_type"))
    facts |= _route(airline, _wanted(call), origin, destination, trip)
    owner = airline.customers.get(name)
    if owner is not None:
        facts |= _paid_with(owner, [str(one["payment_id"]) for one in call.arguments.get("payment_methods", [])])
    return facts


def _paid_with(owner: Customer, wanted: list[str]) -> dict[str, Any]:
    sources = [owner.methods[name].source for name in wanted if name in owner.methods]
    counted: dict[str, Any] = {fact: sources.count(source) for source, fact in _COUNTED.items()}
    return counted | {"payment_method_of_customer": len(sources) == len(wanted)}


def _payment(airline: Airline, call: Call) -> dict[str, Any]:
    owner = airline.customers.get(call.conversation.customer)
    if owner is None:
        return {}
    method = owner.methods.get(str(call.arguments.get("payment_id")))
    source = {} if method is None else {"payment_source": method.source}
    return source | {"payment_method_of_customer": method is not None}


def _certificate(airline: Airline, found: Reservation, call: Call) -> dict[str, Any]:
    said = call.conversation
    complaint = said.told.get("complaint")
    facts: dict[str, Any] = {
        "record_of_customer": call.arguments.get("user_id") == said.customer == found.customer,
        "complaint": complaint,
        "compensation_requested": said.told.get("compensation_requested"),
        "changed_or_cancelled": said.about in said.changed,
        "certificate_per_passenger": Decimal(call.arguments["amount"]) / found.passengers,
    }
    if complaint in ("cancelled_flight", "delayed_flight"):
        facts["complaint_confirmed"] = _status(airline, found.legs, str(complaint).removesuffix("_flight"))
    return facts


def _wanted(call: Call) -> tuple[Leg, ...]:
    return tuple(Leg(number=one["flight_number"], day=one["date"]) for one in call.arguments.get("flights", []))


def _status(airline: Airline, legs: Sequence[Leg], status: str) -> bool | None:
    """Whether a leg has this status; None where that of some leg is not known."""
    found = [airline.statuses.get(str(leg)) for leg in legs]
    return True if status in found else None if None in found else False


def _not_bookable(airline: Airline, legs: Sequence[Leg]) -> int | None:
    found = [airline.statuses.get(str(leg)) for leg in legs]
    return None if None in found else sum(status != "available" for status in found)


def _any_flown(airline: Airline, legs: Sequence[Leg]) -> bool | None:
    found = [_flown(airline, leg) for leg in legs]
    return True if True in found else None if None in found else False


def _flown(airline: Airline, leg: Leg) -> bool | None:
    today, day = airline.now.date(), date.fromisoformat(leg.day)
    if day != today:
        return day < today
    status, departs = airline.statuses.get(str(leg)), airline.departures.get(leg.number)
    if status in _DEPARTED:
        return True
    return None if status is None and departs is None else departs is not None and departs < f"{airline.now:%H:%M:%S}"


def changed_airline(airline: Airline, call: Call) -> Airline:
    """The airline after the call went through."""
    name = str(call.arguments.get("reservation_id"))
    found = airline.reservations.get(name)
    if found is None:
        return airline
    update: dict[str, Any] = {}
    if call.tool == "update_reservation_flights":
        update = {"cabin": call.arguments["cabin"], "legs": _wanted(call)}
    elif call.tool == "update_reservation_baggages":
        update = {"bags": int(call.arguments["total_baggages"])}
    after = found.model_copy(update=update)
    return airline.model_copy(update={"reservations": {**airline.reservations, name: after}})
