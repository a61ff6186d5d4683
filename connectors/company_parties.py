"""Who the embedded company deals with: suppliers with a heavy tail and look-alikes, customers, and the people there."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from random import Random

from .company_names import COUNTRIES, COUNTRY_WEIGHTS, GOODS, Country, Good, company_name, iban, person_name, phone_number, slug
from .company_schema import Row
from .company_spec import HEAVY_ARM, LATE_PROPENSITY
from .company_world import World, at_work, worth

_SERIES_START = date(2019, 1, 1)


@dataclass(kw_only=True)
class Vendor:
    """A supplier with what the generator knows beside its row."""

    row: Row
    country: Country
    weight: float
    """How much of the purchasing falls to it."""
    median: float
    """Median net amount of its invoices."""
    goods: Sequence[Good]
    prefix: str
    """How its invoice numbers start."""
    pace: int
    """How many invoices it writes a day, to all of its customers."""
    former_iban: str = ""
    """Its account before a change of bank; older invoices still name it."""
    amounts: set[Decimal] = field(default_factory=set)
    """Gross amounts billed so far, so that none repeats by chance."""
    numbers: set[int] = field(default_factory=set)

    def number(self, rng: Random, day: date) -> str:
        """An invoice number of its own series, which grows from day to day."""
        found = 1000 + (day - _SERIES_START).days * self.pace + rng.randrange(self.pace)
        while found in self.numbers:
            found += 1
        self.numbers.add(found)
        return f"{self.prefix}{found:05d}"


@dataclass(kw_only=True)
class Buyer:
    """A customer with what the generator knows beside its row."""

    row: Row
    country: Country
    propensity: float
    """How likely it is to pay late."""
    heavy: bool
    """Whether it pays months late where it pays late."""
    median: float
    people: list[Row]
    contacted_on: date | None = None
    """When it was last reminded or called."""


def make_suppliers(world: World) -> list[Vendor]:
    """The vendor master: a few suppliers carry most of the purchasing."""
    rng = world.chance("suppliers")
    count = world.spec.size.suppliers
    vendors = [_supplier(world, rng, rank) for rank in range(count)]
    for vendor in rng.sample(vendors, max(2, count // 20)):
        _sister(world, rng, vendor)
    for vendor in rng.sample(vendors[: count // 2], max(1, count // 30)):
        _change_bank(world, rng, vendor)
    for vendor in vendors:
        world.rows["supplier"].append(vendor.row)
    return vendors


def look_alike(world: World, rng: Random, vendor: Vendor) -> Row:
    """A newcomer in the vendor master whose name is one letter away from that of `vendor`, with an account of its own."""
    name = _misspelt(rng, vendor.row["name"])
    row = _supplier_row(world, rng, name, vendor.country)
    created = world.today - timedelta(days=rng.randrange(10, 45))
    row |= {"tax_id": "", "created": created, "updated_at": at_work(rng, created), "aliases": ()}
    world.rows["supplier"].append(row)
    return row


def make_customer(world: World, rng: Random) -> Buyer:
    """One more customer, with the people there."""
    country = rng.choices(COUNTRIES, COUNTRY_WEIGHTS)[0]
    name = _new_name(world, rng, country)
    domain = f"{slug(name)}.example"
    segment = rng.choices(("small", "mid", "large"), (55, 35, 10))[0]
    often = min(4.0, world.spec.enrichment)
    row = world.add(
        "customer",
        id=world.fresh(rng, "C", 5),
        updated_at=at_work(rng, world.today - timedelta(days=rng.randrange(2, 400))),
        name=name,
        email=f"accounts@{domain}",
        phone=phone_number(rng, country),
        language=country.language,
        country=country.code,
        timezone=country.timezone,
        terms_days=rng.choices((14, 30, 45, 60), (15, 60, 15, 10))[0],
        credit_limit=Decimal({"small": 10_000, "mid": 50_000, "large": 250_000}[segment]),
        currency=country.currency,
        segment=segment,
        key_account=segment == "large" and rng.random() < 0.5,
        do_not_contact=rng.random() < 0.015 * often,
        insolvent=rng.random() < 0.012 * often,
        vulnerable=rng.random() < 0.02 * often,
        facts={},
        last_payment_on=None,
        owner_role="",
    )
    heavy = rng.random() < HEAVY_ARM
    return Buyer(
        row=row,
        country=country,
        propensity=max(0.6, rng.betavariate(*LATE_PROPENSITY)) if heavy else rng.betavariate(*LATE_PROPENSITY),
        heavy=heavy,
        median=worth(rng, {"small": 420, "mid": 1500, "large": 6200}[segment], 0.5, 60, 40_000),
        people=_people(world, rng, row["id"], domain, country, rng.choices((1, 2, 3), (50, 35, 15))[0]),
    )


def _new_name(world: World, rng: Random, country: Country) -> str:
    used = world.used.setdefault("name", set())
    while True:
        name = company_name(rng, country)
        if slug(name) not in used:
            used.add(slug(name))
            return name


def _supplier(world: World, rng: Random, rank: int) -> Vendor:
    country = rng.choices(COUNTRIES, COUNTRY_WEIGHTS)[0]
    row = _supplier_row(world, rng, _new_name(world, rng, country), country)
    _people(world, rng, row["id"], row["email"].partition("@")[2], country, 1)
    series = rng.choice(("", "RE", "INV-", "F", "R-", "BILL-"))
    return Vendor(
        row=row,
        country=country,
        weight=1.0 / (rank + 1.5) ** 0.9,
        median=worth(rng, 900, 0.8, 150, 9000),
        goods=rng.sample(GOODS, rng.randrange(4, 11)),
        prefix=series,
        pace=rng.choice((3, 5, 8, 20, 45)),
    )


def _supplier_row(world: World, rng: Random, name: str, country: Country) -> Row:
    domain = f"{slug(name)}.example"
    created = world.today - timedelta(days=rng.randrange(500, 4000))
    return {
        "version": 1,
        "id": world.fresh(rng, "V", 5),
        "updated_at": at_work(rng, world.today - timedelta(days=rng.randrange(30, 400))),
        "name": name,
        "aliases": (_alias(rng, name),) if rng.random() < 0.5 else (),
        "tax_id": f"{country.code}{rng.randrange(10**8, 10**9)}",
        "iban": iban(rng, country),
        "country": country.code,
        "email": f"billing@{domain}",
        "phone": phone_number(rng, country),
        "terms_days": rng.choices((14, 30, 60), (20, 65, 15))[0],
        "created": created,
        "bank_changed_on": created + timedelta(days=rng.randrange(60, 400)) if rng.random() < 0.15 else None,
        "blocked": False,
    }


def _sister(world: World, rng: Random, vendor: Vendor) -> None:
    """Add an honest company of the same group: nearly the same name, its own tax id, account and history."""
    stem = vendor.row["name"].split()[0]
    row = _supplier_row(world, rng, f"{stem} Services {vendor.country.forms[0]}", vendor.country)
    world.rows["supplier"].append(row)


def _change_bank(world: World, rng: Random, vendor: Vendor) -> None:
    """Give `vendor` a new account that the vendor master knows already."""
    changed = world.today - timedelta(days=rng.randrange(13, 27))
    vendor.former_iban = vendor.row["iban"]
    vendor.row |= {"iban": iban(rng, vendor.country), "bank_changed_on": changed, "updated_at": at_work(rng, changed)}
    world.add(
        "activity",
        id=world.fresh(rng, "ACT", 7),
        party_id=vendor.row["id"],
        type="note",
        at=at_work(rng, changed),
        subject="Bank details changed",
        body="Confirmed by a call to the number on file; second signature by treasury.",
        about=f"supplier/{vendor.row['id']}",
    )


def _people(world: World, rng: Random, party_id: str, domain: str, country: Country, count: int) -> list[Row]:
    people: list[Row] = []
    for _ in range(count):
        name = person_name(rng)
        address = f"{slug(name).replace('-', '.')}@{domain}"
        if any(person["email"] == address for person in people):
            continue
        role = rng.choice(("accounts payable", "accounts receivable", "purchasing", "managing director", "assistant"))
        values = {"id": world.fresh(rng, "P", 6), "party_id": party_id, "name": name, "email": address}
        people.append(world.add("contact", **values, phone=phone_number(rng, country), role=role))
    return people


def _alias(rng: Random, name: str) -> str:
    words = name.split()
    return rng.choice((name.upper(), " ".join(words[:-1]), f"{words[0]} {words[1]}."))


def _misspelt(rng: Random, name: str) -> str:
    swaps = [
        (a, b)
        for a, b in (("rn", "m"), ("l", "I"), ("o", "0"), ("ei", "ie"), ("d", "dd"), ("t", "tt"), ("e", "ee"))
        if a in name[1:]
    ]
    old, new = rng.choice(swaps or [(name[2], name[2] * 2)])
    return name[0] + name[1:].replace(old, new, 1)
