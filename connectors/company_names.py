"""Invented names, addresses and goods of the embedded company; phone numbers are from ranges kept for fiction."""

from random import Random
from typing import NamedTuple


class Country(NamedTuple):
    """What depends on where a party sits."""

    code: str
    timezone: str
    language: str
    currency: str
    forms: tuple[str, ...]
    """Legal forms, the commonest first."""
    bank_digits: int
    """Digits of the national part of an IBAN."""
    phone: str
    """The start of numbers that are kept for fiction or never given out."""


COUNTRIES = (
    Country("DE", "Europe/Berlin", "de", "EUR", ("GmbH", "GmbH & Co. KG", "AG"), 18, "+49 30 23125 "),
    Country("AT", "Europe/Vienna", "de", "EUR", ("GmbH", "AG"), 16, "+43 1 5550"),
    Country("FR", "Europe/Paris", "fr", "EUR", ("SARL", "SAS"), 23, "+33 1 99 00 "),
    Country("BE", "Europe/Brussels", "fr", "EUR", ("SRL", "SA"), 12, "+32 2 5550"),
    Country("ES", "Europe/Madrid", "en", "EUR", ("S.L.", "S.A."), 20, "+34 91 5550"),
    Country("PL", "Europe/Warsaw", "en", "EUR", ("sp. z o.o.", "S.A."), 24, "+48 22 5550"),
    Country("IE", "Europe/Dublin", "en", "EUR", ("Ltd", "DAC"), 0, "+353 20 9100"),
    Country("GB", "Europe/London", "en", "GBP", ("Ltd", "PLC"), 0, "+44 1632 960"),
    Country("US", "America/New_York", "en", "USD", ("Inc.", "LLC"), 0, "+1 212 5550"),
)
"""Where parties sit; those without bank digits are paid to an account in another of them."""

COUNTRY_WEIGHTS = (46, 9, 12, 7, 6, 8, 5, 4, 3)

PLACES = (
    "Alder", "Amber", "Anker", "Ash", "Aster", "Birken", "Blau", "Brook", "Cedar", "Clear", "Copper", "Crest", "Dorn", "Eastfield",
    "Eben", "Elm", "Falken", "Fern", "Flint", "Fuchs", "Glen", "Granit", "Grün", "Hafen", "Harbour", "Hasel", "Heron", "High",
    "Holm", "Iron", "Juniper", "Kiefern", "Klar", "Lake", "Larch", "Linden", "Long", "Marsh", "Meer", "Mill", "Mohn", "Moor",
    "North", "Oak", "Ober", "Orchard", "Otter", "Pine", "Quarry", "Raven", "Reed", "Ried", "River", "Rook", "Rowan", "Sand",
    "Silber", "South", "Stein", "Stone", "Sturm", "Tal", "Thorn", "Tide", "Ufer", "Vale", "Wald", "Weiden", "West", "Wolken",
)  # fmt: skip
ENDINGS = (
    "bach", "berg", "bridge", "brook", "by", "cliff", "dale", "feld", "field", "ford", "gate", "haven", "heim", "hill", "hof",
    "holt", "land", "ley", "mark", "moor", "point", "ridge", "see", "shore", "stadt", "tal", "ton", "view", "ward", "wick",
)  # fmt: skip
BUSINESSES = (
    "Bakery Supplies", "Bürobedarf", "Catering", "Elektro", "Farms", "Fasteners", "Foods", "Gastro", "Großhandel", "Hotels",
    "Instruments", "Interiors", "Kitchens", "Lebensmittel", "Logistics", "Maschinenbau", "Media", "Medical", "Metals", "Optics",
    "Outfitters", "Packaging", "Paper", "Pharma", "Plastics", "Print", "Retail", "Sanitär", "Services", "Solar", "Sports",
    "Stores", "Systems", "Technik", "Textiles", "Timber", "Tools", "Trading", "Transport", "Werke",
)  # fmt: skip

GIVEN = (
    "Aisha", "Alma", "Anton", "Beatriz", "Bruno", "Camille", "Carla", "Daniel", "Dilek", "Elena", "Emil", "Farid", "Fiona",
    "Greta", "Hanna", "Hugo", "Ines", "Ivan", "Jana", "Jonas", "Julien", "Karim", "Katrin", "Lars", "Leila", "Lena", "Luca",
    "Magda", "Marek", "Maya", "Mina", "Nils", "Nora", "Oskar", "Paula", "Pierre", "Rosa", "Samuel", "Sofia", "Tariq", "Tom",
    "Ulrike", "Vera", "Yara",
)  # fmt: skip
FAMILY = (
    "Adler", "Amsel", "Baptiste", "Bergmann", "Castillo", "Clarke", "Dubois", "Ebert", "Fischer", "Fournier", "Garcia", "Haas",
    "Hartley", "Ito", "Jansen", "Kaya", "Keller", "Kowalska", "Lambert", "Lindqvist", "Marsh", "Moreau", "Novak", "Okafor",
    "Peeters", "Petit", "Quinn", "Rossi", "Roth", "Sahin", "Schulte", "Seidel", "Silva", "Tanaka", "Thorne", "Vogel", "Walsh",
    "Weber", "Yilmaz", "Zielinski",
)  # fmt: skip


class Good(NamedTuple):
    """Something that is bought or sold."""

    sku: str
    description: str
    unit: str
    low: int
    """Lowest usual price, in cents."""
    high: int
    tax_rate: int
    """Domestic rate in percent."""


GOODS = (
    Good("A4-080", "Copy paper A4 80 g, box", "BOX", 1490, 2690, 19),
    Good("BX-410", "Shipping carton 40 x 30 x 20 cm", "C62", 58, 140, 19),
    Good("TP-066", "Packing tape 66 m, clear", "C62", 145, 320, 19),
    Good("PL-EUR", "Pallet, used, class B", "C62", 780, 1290, 19),
    Good("SF-023", "Stretch film 23 my, 2.4 kg", "C62", 690, 1150, 19),
    Good("LB-104", "Label roll 100 x 50 mm", "C62", 410, 890, 19),
    Good("CF-1KG", "Coffee beans, 1 kg", "KGM", 980, 1890, 7),
    Good("FL-25K", "Wheat flour, 25 kg bag", "C62", 1650, 2480, 7),
    Good("OL-10L", "Rapeseed oil, 10 l", "C62", 1790, 2990, 7),
    Good("SU-10K", "Sugar, 10 kg", "C62", 890, 1450, 7),
    Good("DT-5L", "Dish detergent, 5 l", "C62", 890, 1690, 19),
    Good("GL-100", "Nitrile gloves, pack of 100", "C62", 490, 1290, 19),
    Good("TW-250", "Paper towels, 250 sheets", "C62", 110, 260, 19),
    Good("SC-M8", "Hexagon screws M8 x 40, box of 200", "BOX", 1190, 2890, 19),
    Good("AN-012", "Angle bracket, galvanised", "C62", 95, 310, 19),
    Good("CB-3G2", "Cable 3 x 2.5 mm2, 100 m", "C62", 7900, 14900, 19),
    Good("LED-36", "LED panel 36 W", "C62", 2490, 4990, 19),
    Good("PV-400", "Solar module 400 W", "C62", 8900, 15900, 19),
    Good("MN-024", "Monitor 24 inch", "C62", 11900, 18900, 19),
    Good("KB-DE1", "Keyboard, wired", "C62", 1190, 3490, 19),
    Good("CH-ERG", "Office chair, ergonomic", "C62", 14900, 38900, 19),
    Good("DK-160", "Desk 160 x 80 cm", "C62", 18900, 42900, 19),
    Good("HR-FIT", "Fitter, hours on site", "HUR", 5200, 7900, 19),
    Good("HR-DRV", "Driver, hours", "HUR", 3400, 4900, 19),
    Good("FR-PAL", "Freight per pallet, domestic", "C62", 4900, 9900, 19),
    Good("SP-FLT", "Oil filter, hydraulic", "C62", 1890, 4990, 19),
    Good("SP-BLT", "Drive belt 1,200 mm", "C62", 1290, 3290, 19),
    Good("MT-PMP", "Pump, 1.1 kW", "C62", 28900, 68900, 19),
    Good("VL-DN5", "Ball valve DN 50", "C62", 3900, 8900, 19),
    Good("PT-RAL", "Paint RAL 7016, 10 l", "C62", 6900, 11900, 19),
)

RECURRING = (
    Good("MC-LFT", "Lift maintenance, monthly", "MON", 18000, 68000, 19),
    Good("MC-CLN", "Office cleaning, monthly", "MON", 45000, 240000, 19),
    Good("MC-LSE", "Copier lease, monthly", "MON", 9000, 39000, 19),
    Good("MC-SEC", "Guard service, monthly", "MON", 90000, 380000, 19),
)
"""Services that are billed at the same amount each month."""


_FOLDED = {ord(letter): plain for letter, plain in (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ß", "ss"), ("&", " "), (".", " "))}


def company_name(rng: Random, country: Country) -> str:
    """An invented company name with a legal form."""
    stem = rng.choice(PLACES) + rng.choice(ENDINGS)
    form = country.forms[0] if rng.random() < 0.7 else rng.choice(country.forms)
    return f"{stem} {rng.choice(BUSINESSES)} {form}"


def person_name(rng: Random) -> str:
    """An invented person."""
    return f"{rng.choice(GIVEN)} {rng.choice(FAMILY)}"


def slug(name: str) -> str:
    """`name` as it stands in an address: lower case, ASCII, dashes."""
    folded = name.lower().translate(_FOLDED)
    return "-".join("".join(letter for letter in word if letter.isascii() and letter.isalnum()) for word in folded.split())


def phone_number(rng: Random, country: Country) -> str:
    """A number of a range that nobody is reached on."""
    return country.phone + str(rng.randrange(100, 1000))


def iban(rng: Random, country: Country) -> str:
    """An IBAN with right length and check digits; the account does not exist."""
    home = country if country.bank_digits else COUNTRIES[0]
    national = "".join(str(rng.randrange(10)) for _ in range(home.bank_digits))
    letters = "".join(str(ord(letter) - 55) for letter in home.code)
    return f"{home.code}{98 - int(national + letters + '00') % 97:02d}{national}"
