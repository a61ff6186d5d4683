"""Where a debtor may be: every time zone that address, number and recorded zone leave open."""

import re
from collections.abc import Iterable
from datetime import datetime
from functools import cache, lru_cache
from importlib.resources import files
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ..connectors.records import Customer

_ALIASES = {"UK": "GB", "EL": "GR"}
"""Codes of countries that people write otherwise than ISO 3166."""


def country_code(country: str) -> str:
    """The two letters of a country; empty where `country` is not written as such."""
    code = country.strip().upper()
    return _ALIASES.get(code, code) if re.fullmatch("[A-Z]{2}", code) else ""


@cache
def zone(name: str) -> ZoneInfo | None:
    """The time zone called `name`; None where the machine knows none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def candidate_zones(customer: Customer, now: datetime) -> tuple[str, ...]:
    """The recorded zone where nothing contradicts it, else every zone that something points to; empty where nothing does."""
    recorded = zone(customer.timezone)
    told = (_zones_of_country(country_code(customer.country)), _zones_of_number(customer.phone))
    if recorded is not None and all(_agrees(recorded, names, now) for names in told):
        return (customer.timezone,)
    names = dict.fromkeys(name for group in told for name in group)
    return (customer.timezone, *names) if recorded is not None else tuple(names)


def _agrees(recorded: ZoneInfo, names: Iterable[str], now: datetime) -> bool:
    offsets = {now.astimezone(found).utcoffset() for name in names if (found := zone(name)) is not None}
    return not offsets or now.astimezone(recorded).utcoffset() in offsets


@cache
def _zones_of_country(code: str) -> tuple[str, ...]:
    """The zones of a country by the table of the IANA time zone database."""
    return _table().get(code, ())


@cache
def _table() -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    text = files("tzdata").joinpath("zoneinfo", "zone.tab").read_text(encoding="utf-8")
    for line in text.splitlines():
        if line and not line.startswith("#"):
            code, _, name = line.split("\t")[:3]
            found.setdefault(code, []).append(name)
    return {code: tuple(names) for code, names in found.items()}


@lru_cache(maxsize=10_000)
def _zones_of_number(number: str) -> tuple[str, ...]:
    """The zones that a whole international number belongs to; empty for any other."""
    if not number.startswith("+"):
        return ()
    import phonenumbers
    from phonenumbers import timezone as zones

    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return ()
    if not phonenumbers.is_valid_number(parsed):
        return ()
    return tuple(name for name in zones.time_zones_for_number(parsed) if zone(name) is not None)
