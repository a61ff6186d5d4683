"""Ways to break the airline's rules, taken from its policy text and not from the policy file that is tried with them."""

from collections.abc import Iterator
from datetime import timedelta
from random import Random
from typing import Any

from .guard_airline_scenes import (
    BAGS,
    BOOK,
    CANCEL,
    FLIGHTS,
    FREE_BAGS,
    GESTURE,
    PEOPLE,
    PERSON,
    Flying,
    allowance,
    keeping,
    reservation_of,
    start,
    told,
    with_legs,
    with_member,
    with_methods,
    with_reservation,
    with_status,
)
from .guard_records import Airline, Leg
from .guard_violations import Break, Violation, Way, violations

_ALL = (BOOK, CANCEL, FLIGHTS, BAGS, PEOPLE, GESTURE)
_FEW = 4
"""Violations of each row of the table of free bags."""


def airline_violations(airline: Airline, *, each: int = 14, seed: int = 2026) -> Iterator[Violation[Airline]]:
    """Seeded violations of every rule of the airline's policy text, at most `each` for every way to break one."""
    return _made(airline, WAYS, each=each, seed=seed)


def airline_near_misses(airline: Airline, *, each: int = 5, seed: int = 2026) -> Iterator[Violation[Airline]]:
    """Calls that come close to breaking a rule and keep it."""
    return _made(airline, NEAR, each=each, seed=seed)


def _made(airline: Airline, ways: tuple[Way[Airline], ...], *, each: int, seed: int) -> Iterator[Violation[Airline]]:
    names = sorted(name for name, one in airline.reservations.items() if one.customer in airline.customers)

    def kept(tool: str, rng: Random) -> Iterator[Flying]:
        for name in rng.sample(names, len(names)):
            yield keeping(start(airline, tool, name), rng)

    return violations("airline", ways, kept, each=each, seed=seed)


def _somebody_else(scene: Flying, rng: Random) -> Flying | None:
    who = rng.choice(sorted(scene.records.customers))
    return None if who == scene.call.conversation.customer else scene.with_conversation(customer=who)


def _no_ground(scene: Flying, rng: Random) -> Flying:
    scene = with_reservation(scene, cabin=rng.choice(["economy", "basic_economy"]), insured=rng.random() < 0.5)
    scene = with_status(scene, "available")
    old = rng.choice([timedelta(hours=24, minutes=1), timedelta(hours=rng.randint(25, 300))])
    scene = with_reservation(scene, booked_at=scene.records.now - old)
    insured = reservation_of(scene).insured
    return told(scene, cancel_reason=rng.choice(["change_of_plan", "other"] if insured else ["health", "weather", "other"]))


def _just_booked(scene: Flying, rng: Random) -> Flying:
    return with_reservation(_no_ground(scene, rng), booked_at=scene.records.now - timedelta(hours=24))


def _flown(scene: Flying, rng: Random) -> Flying:
    found = reservation_of(scene)
    day = str(scene.records.now.date() - timedelta(days=rng.randint(1, 5)))
    return with_reservation(scene, legs=(Leg(number=found.legs[0].number, day=day), *found.legs[1:]))


def _other_cabin(scene: Flying, rng: Random) -> Flying:
    """The same flights in another cabin."""
    cabins = [cabin for cabin in ("basic_economy", "economy", "business") if cabin != reservation_of(scene).cabin]
    return with_legs(scene, list(reservation_of(scene).legs)).with_arguments(cabin=rng.choice(cabins))


def _elsewhere(end: int) -> Any:
    """The first flight (0) leaves, or the last one (-1) arrives, somewhere the reservation does not touch."""

    def broken(scene: Flying, rng: Random) -> Flying | None:
        found, routes = reservation_of(scene), scene.records.routes
        touched = {airport for leg in found.legs for airport in routes[leg.number]}
        numbers = [name for name, ends in sorted(routes.items()) if ends[end] not in touched]
        legs = list(found.legs)
        legs[end] = Leg(number=rng.choice(numbers), day=legs[end].day)
        return with_legs(scene.with_records(statuses=dict.fromkeys(map(str, legs), "available")), legs)

    return broken


def _one_way_only(scene: Flying, rng: Random) -> Flying | None:
    del rng
    found, routes = reservation_of(scene), scene.records.routes
    there = next((n for n, leg in enumerate(found.legs, 1) if routes[leg.number][1] == found.destination), 0)
    usable = found.trip == "round_trip" and found.origin != found.destination and 0 < there < len(found.legs)
    return with_legs(scene, list(found.legs[:there])) if usable else None


def _stranger_pays(scene: Flying, rng: Random) -> Flying:
    name = f"credit_card_{rng.randint(9000000, 9999999)}"
    if scene.call.tool == BOOK:
        return scene.with_arguments(payment_methods=[{"payment_id": name, "amount": 50}])
    return scene.with_arguments(payment_id=name)


def _not_bookable(scene: Flying, rng: Random) -> Flying:
    first = scene.call.arguments["flights"][0]
    status = rng.choice(["delayed", "on time", "flying", "cancelled"])
    return scene.with_records(statuses={**scene.records.statuses, f"{first['flight_number']} {first['date']}": status})


def _member_in(membership: str, cabin: str, free: int, paid: int) -> Break[Airline]:
    """For such a member in such a cabin, so many more bags for free than allowed, and so many charged."""

    def broken(scene: Flying, rng: Random) -> Flying | None:
        del rng
        scene = with_reservation(with_member(scene, membership), cabin=cabin, bags=0)
        if scene.call.tool == BOOK:
            scene = scene.with_arguments(cabin=cabin)
        total = max(0, allowance(scene) + free)
        return scene.with_arguments(total_baggages=total + paid, nonfree_baggages=paid)

    return broken


def _bags_removed(scene: Flying, rng: Random) -> Flying:
    scene = with_reservation(scene, bags=rng.randint(1, 4))
    return scene.with_arguments(total_baggages=reservation_of(scene).bags - 1, nonfree_baggages=0)


def _bags_kept(scene: Flying, rng: Random) -> Flying:
    del rng
    scene = with_reservation(scene, bags=allowance(scene))
    return scene.with_arguments(total_baggages=allowance(scene), nonfree_baggages=0)


def _other_number(scene: Flying, rng: Random) -> Flying:
    number = max(0, reservation_of(scene).passengers + rng.choice([-1, 1, 2]))
    return scene.with_arguments(passengers=[PERSON] * number)


def _no_birthday(scene: Flying, rng: Random) -> Flying:
    people = list(scene.call.arguments["passengers"])
    people[rng.randrange(len(people))] = {"complete": False}
    return scene.with_arguments(passengers=people)


def _too_many_cards(scene: Flying, rng: Random) -> Flying:
    source, most = rng.choice([("certificate", 1), ("credit_card", 1), ("gift_card", 3)])
    return with_methods(scene, *([source] * (most + 1)))


def _all_cards(scene: Flying, rng: Random) -> Flying:
    del rng
    return with_methods(scene, "certificate", "credit_card", "gift_card", "gift_card", "gift_card")


def _other_trip(scene: Flying, rng: Random) -> Flying:
    del rng
    return scene.with_arguments(flight_type="one_way" if scene.call.arguments["flight_type"] == "round_trip" else "round_trip")


def _too_much(scene: Flying, rng: Random) -> Flying:
    return scene.with_arguments(amount=scene.call.arguments["amount"] + rng.choice([1, 1, 50, 100]))


def _too_little(scene: Flying, rng: Random) -> Flying:
    return scene.with_arguments(amount=scene.call.arguments["amount"] - rng.choice([1, 10, 40]))


def _delay_only(scene: Flying, rng: Random) -> Flying:
    del rng
    return with_status(told(scene, complaint="delayed_flight"), "delayed").with_conversation(changed=())


def _no_member(scene: Flying, rng: Random) -> Flying:
    return with_reservation(with_member(scene, "regular"), cabin=rng.choice(["economy", "basic_economy"]), insured=False)


def _another_origin(scene: Flying, rng: Random) -> Flying:
    airports = {end for leg in reservation_of(scene).legs for end in scene.records.routes[leg.number]}
    every = {end for ends in scene.records.routes.values() for end in ends}
    return scene.with_arguments(origin=rng.choice(sorted(every - airports)))


WAYS: tuple[Way[Airline], ...] = (
    Way("AR-06", _ALL, lambda scene, _: scene.with_conversation(confirmed=False)),
    Way("AR-07", (CANCEL,), lambda scene, _: scene.with_conversation(told={})),
    Way("AR-10", _ALL, lambda scene, _: scene.with_conversation(authenticated=False)),
    Way("AR-11", _ALL, _somebody_else),
    Way("AR-20", (BOOK,), lambda scene, rng: scene.with_arguments(passengers=[PERSON] * rng.randint(6, 8))),
    Way("AR-20", (BOOK,), lambda scene, _: scene.with_arguments(passengers=[]), most=_FEW),
    Way("AR-21", (BOOK, PEOPLE), _no_birthday),
    Way("AR-22", (BOOK,), _too_many_cards),
    Way("AR-23", (BOOK, FLIGHTS, BAGS), _stranger_pays),
    Way("AR-24", (BOOK, FLIGHTS), _not_bookable),
    *(Way("AR-25", (BOOK, BAGS), _member_in(*row, free=1, paid=0), most=_FEW) for row in FREE_BAGS),
    *(Way("AR-26", (BOOK, BAGS), _member_in(*row, free=-1, paid=1), most=_FEW) for row, free in FREE_BAGS.items() if free),
    Way("AR-27", (BOOK,), _another_origin),
    Way("AR-27", (BOOK,), lambda scene, _: scene.with_arguments(destination=scene.call.arguments["origin"])),
    Way("AR-27", (BOOK,), _other_trip),
    Way("AR-30", (FLIGHTS,), lambda scene, _: with_reservation(scene, cabin="basic_economy")),
    Way("AR-31", (FLIGHTS,), _elsewhere(0)),
    Way("AR-31", (FLIGHTS,), _elsewhere(-1)),
    Way("AR-31", (FLIGHTS,), _one_way_only),
    Way("AR-32", (FLIGHTS,), lambda scene, rng: _other_cabin(_flown(scene, rng), rng)),
    Way("AR-33", (FLIGHTS,), lambda scene, _: with_methods(scene, "certificate")),
    Way("AR-34", (BAGS,), _bags_removed),
    Way("AR-35", (PEOPLE,), _other_number),
    Way("AR-40", (CANCEL,), _flown),
    Way("AR-41", (CANCEL,), _no_ground, most=30),
    Way("AR-51", (GESTURE,), _no_member),
    Way("AR-52", (GESTURE,), lambda scene, _: told(scene, complaint="other")),
    Way("AR-53", (GESTURE,), lambda scene, _: with_status(scene, "available")),
    Way("AR-54", (GESTURE,), _delay_only),
    Way("AR-55", (GESTURE,), _too_much),
    Way("AR-56", (GESTURE,), _too_little),
    Way("AR-57", (GESTURE,), lambda scene, _: told(scene, compensation_requested=False)),
    Way("unknown-action", (CANCEL,), lambda scene, rng: scene.with_tool(rng.choice(["add_insurance", "refund_payment"]))),
)
"""Every way, with the rule that must stop it."""

NEAR: tuple[Way[Airline], ...] = (
    Way("AR-20", (BOOK,), lambda scene, _: scene.with_arguments(passengers=[PERSON] * 5, total_baggages=0, nonfree_baggages=0)),
    Way("AR-20", (BOOK,), lambda scene, _: scene.with_arguments(passengers=[PERSON], total_baggages=0, nonfree_baggages=0)),
    Way("AR-22", (BOOK,), _all_cards),
    *(Way("AR-25", (BOOK, BAGS), _member_in(*row, free=0, paid=2), most=_FEW) for row in FREE_BAGS),
    *(Way("AR-26", (BOOK, BAGS), _member_in(*row, free=-1, paid=0), most=_FEW) for row in FREE_BAGS),
    Way("AR-30", (FLIGHTS,), lambda scene, rng: _other_cabin(with_reservation(scene, cabin="basic_economy"), rng)),
    Way("AR-32", (FLIGHTS,), _other_cabin),
    Way("AR-32", (FLIGHTS,), _flown),
    Way("AR-33", (FLIGHTS,), lambda scene, rng: with_methods(_other_cabin(scene, rng), "certificate")),
    Way("AR-34", (BAGS,), _bags_kept),
    Way("AR-41", (CANCEL,), _just_booked),
    Way("AR-51", (GESTURE,), lambda scene, rng: with_reservation(_no_member(scene, rng), insured=True)),
    Way("AR-51", (GESTURE,), lambda scene, rng: with_reservation(_no_member(scene, rng), cabin="business")),
    Way("AR-55", (GESTURE,), lambda scene, _: scene),
    Way("AR-56", (GESTURE,), lambda scene, _: scene),
)
"""Calls that come close to each rule and keep it: none of them may be prohibited."""
