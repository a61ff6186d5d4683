"""Calls to the airline that keep every rule of its policy text, made from the reservations that are known."""

from datetime import date, timedelta
from random import Random
from typing import Any

from .guard_records import Airline, Call, Conversation, Leg, Method, Reservation
from .guard_violations import Scene

Flying = Scene[Airline]

BOOK, CANCEL, GESTURE = "book_reservation", "cancel_reservation", "send_certificate"
FLIGHTS, BAGS, PEOPLE = "update_reservation_flights", "update_reservation_baggages", "update_reservation_passengers"
PERSON = {"complete": True}
FREE_BAGS = {
    ("regular", "basic_economy"): 0, ("regular", "economy"): 1, ("regular", "business"): 2,
    ("silver", "basic_economy"): 1, ("silver", "economy"): 2, ("silver", "business"): 3,
    ("gold", "basic_economy"): 2, ("gold", "economy"): 3, ("gold", "business"): 4,
}  # fmt: skip
"""Free checked bags for each passenger, by membership and cabin."""


def start(airline: Airline, tool: str, name: str) -> Flying:
    """A call about a reservation with all its flights ahead, bookable, and nothing known against it."""
    found = airline.reservations[name]
    first = min(date.fromisoformat(leg.day) for leg in found.legs)
    ahead = max(timedelta(0), date(2024, 5, 20) - first)
    legs = tuple(Leg(number=leg.number, day=str(date.fromisoformat(leg.day) + ahead)) for leg in found.legs)
    call = Call(id="kept", tool=tool, arguments={}, conversation=Conversation(customer=found.customer, about=name))
    scene = with_reservation(Scene(airline, call), legs=legs)
    return scene.with_records(statuses={str(leg): "available" for leg in legs})


def reservation_of(scene: Flying) -> Reservation:
    """The reservation that the call is about."""
    return scene.records.reservations[scene.call.conversation.about]


def with_reservation(scene: Flying, **update: Any) -> Flying:
    """The call on another state of its reservation."""
    found = reservation_of(scene).model_copy(update=update)
    return scene.with_records(reservations={**scene.records.reservations, scene.call.conversation.about: found})


def with_member(scene: Flying, membership: str) -> Flying:
    """The call for a customer of this membership."""
    owner = scene.records.customers[reservation_of(scene).customer].model_copy(update={"membership": membership})
    return scene.with_records(customers={**scene.records.customers, reservation_of(scene).customer: owner})


def with_methods(scene: Flying, *sources: str) -> Flying:
    """The call paid with new methods of the customer's profile, one of each source given."""
    who = reservation_of(scene).customer
    added = {f"{source}_{number:07}": Method(source=source) for number, source in enumerate(sources)}
    owner = scene.records.customers[who].model_copy(update={"methods": scene.records.customers[who].methods | added})
    scene = scene.with_records(customers={**scene.records.customers, who: owner})
    if scene.call.tool == BOOK:
        return scene.with_arguments(payment_methods=[{"payment_id": name, "amount": 50} for name in added])
    return scene.with_arguments(payment_id=next(iter(added)))


def with_status(scene: Flying, status: str) -> Flying:
    """The call where the first flight of the reservation has this status."""
    first = str(reservation_of(scene).legs[0])
    return scene.with_records(statuses={**scene.records.statuses, first: status})


def told(scene: Flying, **told: str | bool) -> Flying:
    """The call after the customer said so."""
    return scene.with_conversation(told={**scene.call.conversation.told, **told})


def keeping(scene: Flying, rng: Random) -> Flying:
    """The scene with arguments that keep every rule."""
    tool, name = scene.call.tool, scene.call.conversation.about
    if tool not in (BOOK, GESTURE):
        scene = scene.with_arguments(reservation_id=name)
    if tool == CANCEL:
        return _ground(told(scene, cancel_reason="change_of_plan"), rng)
    if tool == FLIGHTS:
        scene = with_reservation(scene, cabin=rng.choice(["economy", "business"]))
        return _another_day(with_methods(scene, rng.choice(["credit_card", "gift_card"])), rng)
    if tool == BAGS:
        return with_bags(with_methods(scene, "credit_card"), rng.randint(1, 2))
    if tool == PEOPLE:
        return scene.with_arguments(passengers=[PERSON] * reservation_of(scene).passengers)
    if tool == GESTURE:
        return _with_gesture(scene, rng)
    return _booking(scene, rng)


def _ground(scene: Flying, rng: Random) -> Flying:
    """The scene with one of the four grounds for a cancellation."""
    ground = rng.randint(0, 3)
    if ground == 0:
        return with_reservation(scene, booked_at=scene.records.now - timedelta(hours=rng.randint(1, 24)))
    if ground == 1:
        return with_status(scene, "cancelled")
    if ground == 2:
        return with_reservation(scene, cabin="business")
    return told(with_reservation(scene, insured=True), cancel_reason=rng.choice(["health", "weather"]))


def _another_day(scene: Flying, rng: Random) -> Flying:
    later = timedelta(days=rng.randint(1, 3))
    legs = [Leg(number=leg.number, day=str(date.fromisoformat(leg.day) + later)) for leg in reservation_of(scene).legs]
    scene = scene.with_records(statuses={**scene.records.statuses, **{str(leg): "available" for leg in legs}})
    return with_legs(scene, legs).with_arguments(cabin=reservation_of(scene).cabin)


def with_legs(scene: Flying, legs: list[Leg]) -> Flying:
    """The call for these flights."""
    return scene.with_arguments(flights=[{"flight_number": leg.number, "date": leg.day} for leg in legs])


def allowance(scene: Flying) -> int:
    """How many bags are free for all passengers of the call."""
    found = reservation_of(scene)
    people = len(scene.call.arguments.get("passengers", [])) or found.passengers
    cabin = scene.call.arguments.get("cabin", found.cabin)
    return FREE_BAGS[scene.records.customers[found.customer].membership, cabin] * people


def with_bags(scene: Flying, more: int) -> Flying:
    """The call with `more` bags than are free, or than there are, each charged as it should be."""
    total = max(reservation_of(scene).bags, allowance(scene)) + more
    return scene.with_arguments(total_baggages=total, nonfree_baggages=max(0, total - allowance(scene)))


def _booking(scene: Flying, rng: Random) -> Flying:
    found = reservation_of(scene)
    passengers = [PERSON] * rng.randint(1, 5)
    scene = with_legs(scene, list(found.legs)).with_arguments(user_id=found.customer, passengers=passengers)
    scene = scene.with_arguments(cabin=found.cabin, flight_type=found.trip, origin=found.origin, destination=found.destination)
    return with_bags(with_methods(scene, "certificate", "credit_card", "gift_card"), rng.randint(0, 1))


def _with_gesture(scene: Flying, rng: Random) -> Flying:
    delayed = rng.random() < 0.5
    scene = with_status(with_member(scene, rng.choice(["silver", "gold"])), "delayed" if delayed else "cancelled")
    scene = told(scene, complaint="delayed_flight" if delayed else "cancelled_flight", compensation_requested=True)
    if delayed:
        scene = scene.with_conversation(changed=(scene.call.conversation.about,))
    found = reservation_of(scene)
    return scene.with_arguments(user_id=found.customer, amount=(50 if delayed else 100) * found.passengers)
