"""From the files of tau2-bench and tau-bench to the records of the guard suite; nothing is judged here."""

import gzip
import json
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from ..core.errors import BadInput
from .guard_records import (
    Airline,
    Call,
    Conversation,
    Customer,
    GuardData,
    Item,
    Leg,
    Line,
    Method,
    Order,
    Reservation,
    Script,
    Shop,
)

RETAIL_WRITES = frozenset(
    {
        "cancel_pending_order",
        "modify_pending_order_address",
        "modify_pending_order_payment",
        "modify_pending_order_items",
        "return_delivered_order_items",
        "exchange_delivered_order_items",
        "modify_user_address",
    }
)
AIRLINE_WRITES = frozenset(
    {
        "book_reservation",
        "cancel_reservation",
        "update_reservation_flights",
        "update_reservation_baggages",
        "update_reservation_passengers",
        "send_certificate",
    }
)
NOW = "2024-05-15T15:00:00-05:00"
"""The time that the airline's policy text gives, EST."""
_USER = re.compile(r"\b[a-z]+_[a-z]+_\d{4}\b")


def derived_data(folder: Path) -> GuardData:
    """The records in a folder that holds `tau2_retail`, `tau2_airline` and the recorded runs; raises BadInput."""
    try:
        return _derived(folder)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise BadInput(
            f"{str(folder)!r} holds no records of the guard suite: {type(error).__name__} while reading them.",
            hint="Give the benchmarks' own files, as they were published.",
        ) from error


def _derived(folder: Path) -> GuardData:
    database = json.loads(_text(folder / "tau2_retail" / "db.json.gz"), parse_float=Decimal)
    runs = _lines(folder / "taubench_recorded_runs_gpt4o_airline.jsonl.gz")
    return GuardData(
        shop=_shop(database),
        airline=_airline(runs),
        retail=tuple(_retail_tasks(_lines(folder / "tau2_retail" / "tasks_train.jsonl"), database["users"])),
        flights=(
            *_airline_tasks(_lines(folder / "tau2_airline" / "tasks_train.jsonl")),
            *(script for run in runs if (script := _recorded(run)).calls),
        ),
    )


def _text(path: Path) -> str:
    try:
        raw = path.read_bytes()
        return (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise BadInput(
            f"{str(path)!r} cannot be read.", hint="Give the folder with tau2_retail, tau2_airline and the recorded runs."
        ) from error


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line, parse_float=Decimal) for line in _text(path).splitlines() if line.strip()]


def _shop(database: Mapping[str, Any]) -> Shop:
    return Shop(
        customers={name: _customer(user) for name, user in database["users"].items()},
        orders={name: _order(order) for name, order in database["orders"].items()},
        items={
            name: Item(product=product["product_id"], available=item["available"], price=Decimal(item["price"]))
            for product in database["products"].values()
            for name, item in product["variants"].items()
        },
    )


def _customer(user: Mapping[str, Any]) -> Customer:
    methods = {name: _method(raw) for name, raw in user["payment_methods"].items()}
    return Customer(methods=methods, membership=user.get("membership", ""))


def _method(raw: Mapping[str, Any]) -> Method:
    balance = raw.get("balance", raw.get("amount"))
    return Method(source=raw["source"], balance=None if balance is None else Decimal(balance))


def _order(order: Mapping[str, Any]) -> Order:
    first = order["payment_history"][0]
    lines = tuple(Line(item=one["item_id"], product=one["product_id"], price=Decimal(one["price"])) for one in order["items"])
    return Order(
        customer=order["user_id"],
        status=order["status"],
        lines=lines,
        paid_by=first["payment_method_id"],
        total=Decimal(first["amount"]),
    )


def _retail_tasks(tasks: list[dict[str, Any]], users: Mapping[str, Any]) -> Iterator[Script]:
    for task in tasks:
        who = Conversation(customer=_named_in(json.dumps(task["user_scenario"]), users))
        calls = _gold(task, RETAIL_WRITES, "retail")
        if calls:
            yield Script(origin="tasks", calls=tuple(call.model_copy(update={"conversation": who}) for call in calls))


def _named_in(text: str, users: Mapping[str, Any]) -> str:
    """The one customer whose name and zip code, mail address or id the task's text gives."""
    found = [name for name, user in users.items() if name in text or user["email"] in text or _name_and_zip(user, text)]
    return found[0] if len(found) == 1 else ""


def _name_and_zip(user: Mapping[str, Any], text: str) -> bool:
    return all(part in text for part in (user["name"]["first_name"], user["name"]["last_name"], user["address"]["zip"]))


def _gold(task: Mapping[str, Any], writes: frozenset[str], domain: str) -> list[Call]:
    actions = task["evaluation_criteria"]["actions"] or []
    return [
        Call(
            id=f"{domain}/{task['id']}.{number}",
            tool=action["name"],
            arguments=_bare(action["arguments"]),
            conversation=Conversation(customer=""),
        )
        for number, action in enumerate(actions)
        if action["name"] in writes
    ]


_LEFT_OUT = frozenset({"address1", "address2", "city", "state", "country", "zip"})


def _bare(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments without what no rule looks at: addresses, and the names of passengers."""
    kept = {name: value for name, value in arguments.items() if name not in _LEFT_OUT}
    if "passengers" in kept:
        kept["passengers"] = [
            {"complete": all(one.get(name) for name in ("first_name", "last_name", "dob"))} for one in kept["passengers"]
        ]
    return kept


def _airline_tasks(tasks: list[dict[str, Any]]) -> Iterator[Script]:
    for task in tasks:
        found = _USER.search(json.dumps(task["user_scenario"]))
        who = Conversation(customer=found.group() if found else "")
        calls = _gold(task, AIRLINE_WRITES, "airline")
        if calls:
            yield Script(origin="tasks", calls=tuple(call.model_copy(update={"conversation": who}) for call in calls))


def _exchanges(run: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Every tool call of a run with its answer."""
    asked: dict[str, tuple[str, dict[str, Any]]] = {}
    for message in run["messages"]:
        for call in message.get("tool_calls") or ():
            arguments = json.loads(call["function"]["arguments"], parse_float=Decimal)
            asked[call["id"]] = (call["function"]["name"], arguments)
        if message["role"] == "tool":
            yield (*asked[message["tool_call_id"]], message["content"] or "")


def _recorded(run: Mapping[str, Any]) -> Script:
    found = _USER.search(run["instruction"])
    who = Conversation(customer=found.group() if found else "")
    calls: list[Call] = []
    refused: list[str] = []
    for number, (tool, arguments, answer) in enumerate(_exchanges(run)):
        if tool == "get_reservation_details" and not answer.startswith("Error"):
            who = who.model_copy(update={"about": arguments["reservation_id"]})
        if tool not in AIRLINE_WRITES:
            continue
        call = Call(id=f"run/{run['task_id']}.{run['trial']}.{number}", tool=tool, arguments=_bare(arguments), conversation=who)
        calls.append(call)
        if answer.startswith("Error"):
            refused.append(call.id)
    return Script(origin="runs", calls=tuple(calls), reward=run["reward"] == 1, refused=tuple(refused))


def _airline(runs: list[dict[str, Any]]) -> Airline:
    seen = _Seen()
    for run in runs:
        written: set[str] = set()
        for tool, arguments, answer in _exchanges(run):
            if tool in AIRLINE_WRITES:
                written |= {str(arguments.get(name)) for name in ("reservation_id", "user_id")}
                written |= {json.loads(answer)["reservation_id"]} if answer.startswith("{") else set()
            elif answer.startswith(("[", "{")):
                fresh = written.isdisjoint(str(value) for value in arguments.values())
                seen.read(tool, arguments, json.loads(answer, parse_float=Decimal), fresh=fresh)
    return Airline(
        now=NOW,
        customers=seen.customers,
        reservations=seen.reservations,
        routes=seen.routes,
        departures=seen.departures,
        statuses=seen.statuses,
    )


class _Seen:
    """What the answers of the read tools showed, before anything was changed."""

    def __init__(self) -> None:
        self.customers: dict[str, Customer] = {}
        self.reservations: dict[str, Reservation] = {}
        self.routes: dict[str, tuple[str, str]] = {}
        self.departures: dict[str, str] = {}
        self.statuses: dict[str, str] = {}

    def read(self, tool: str, arguments: Mapping[str, Any], answer: Any, *, fresh: bool) -> None:
        """Keep what one answer shows; `fresh` where the run had not changed that record yet."""
        if tool == "get_user_details" and fresh:
            self.customers.setdefault(arguments["user_id"], _customer(answer))
        elif tool == "get_reservation_details" and fresh:
            self.reservations.setdefault(answer["reservation_id"], _reservation(answer))
            for leg in answer["flights"]:
                self.routes[leg["flight_number"]] = (leg["origin"], leg["destination"])
        elif tool == "search_direct_flight":
            for flight in answer:
                self._flight(flight, flight.get("date") or arguments["date"])
        elif tool == "search_onestop_flight":
            for journey in answer:
                for flight in journey:
                    self._flight(flight, flight.get("date") or arguments["date"])

    def _flight(self, flight: Mapping[str, Any], day: str) -> None:
        number = flight["flight_number"]
        self.routes[number] = (flight["origin"], flight["destination"])
        self.departures[number] = flight["scheduled_departure_time_est"]
        self.statuses[f"{number} {day}"] = flight["status"]


def _reservation(raw: Mapping[str, Any]) -> Reservation:
    return Reservation(
        customer=raw["user_id"],
        origin=raw["origin"],
        destination=raw["destination"],
        trip=raw["flight_type"],
        cabin=raw["cabin"],
        legs=tuple(Leg(number=leg["flight_number"], day=leg["date"]) for leg in raw["flights"]),
        passengers=len(raw["passengers"]),
        booked_at=f"{raw['created_at']}-05:00",
        bags=raw["total_baggages"],
        insured=raw["insurance"] == "yes",
    )
