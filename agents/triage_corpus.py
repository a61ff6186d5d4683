"""The shipped triage model's corpus: the desk's own utterances with CLINC150 and Banking77, split before templating.

Retrain with `python examples/train_triage_brain.py FOLDER --out agents/brain_triage`, where FOLDER holds
`banking77/train.csv` and `clinc150/{train,val,oos_train,oos_val}.jsonl`.
"""

import gzip
import json
import re
import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import yaml

from ..core.errors import BadInput
from ..core.noun import Noun
from .text_data import Example, read_examples
from .text_features import words

OUT_OF_SCOPE = "out_of_scope"
_HERE = Path(__file__).parent
_COMPANY_SHARE = 12
"""Percent of Banking77 that only the embedded company sees."""
_FILLS = 8
"""How many times a template is filled for training."""
_PATTERN_FILLS = 24
"""How many of a pattern's wordings are drawn."""
_OOS_PER_INTENT = 22
_FOREIGN_DOMAINS = ("auto_and_commute", "home", "kitchen_and_dining", "meta", "small_talk", "travel", "utility", "work")
_NEAR_THE_DESK = frozenset({
    "cancel", "exchange_rate", "goodbye", "greeting", "order", "order_status", "thank_you", "travel_notification",
    "yes", "no", "maybe", "repeat", "what_can_i_ask_you", "user_name", "change_user_name",
    "direct_deposit", "taxes", "insurance", "insurance_change",
})  # fmt: skip
"""CLINC150 intents of foreign domains that a desk like this one might well answer."""
_ONLY_COMPANY = frozenset({
    "recipe", "flight_status", "what_song", "mpg", "timezone", "spelling", "tell_joke", "smart_home", "pto_balance", "car_rental",
})  # fmt: skip
"""Whole intents that the model never sees, so that out of scope at the company is new to it in kind too."""
_ALTERNATION = re.compile(r"\[([^\]]*)\]")
_NAMES = (
    "Anna Keller", "J. Smith", "Maria Rossi", "Tom", "Pierre Dubois", "Svenja Brandt", "Mr. Patel", "L. Jansen", "Carla",
    "Dr. Weber", "Ms Novak", "Oliver Grant", "Ines", "K. Yamada", "Frau Schulz", "David Okafor",
)  # fmt: skip
_COMPANIES = (
    "Hofmann GmbH", "Baker & Sons Ltd", "Delta Foods", "Rossi S.p.A.", "Kaltenbach Nord", "Lumen AB", "Van Dijk BV",
    "Atelier Moreau", "Greenfield Trading Inc.", "Stadthaus Lindau", "Orion Logistics", "Café Central", "Meyer KG",
)  # fmt: skip
_GREETINGS = (
    "Hello,", "Hi,", "Hi there,", "Dear Sir or Madam,", "Good morning,", "Good afternoon,", "Dear team,", "Dear all,", "Hey,",
    "To whom it may concern,", "Hello Nordwerk team,", "Dear Ms Keller,",
)  # fmt: skip
_SIGNATURES = (
    "Best regards\n{name}", "Kind regards,\n{name}\n{company}", "Thanks\n{name}", "Yours sincerely\n{name}, {company}", "Regards, {name}",
    "Cheers\n{name}", "Many thanks in advance\n{name}", "BR {name}", "Best,\n{name}\nAccounts Payable\n{company}", "Sent from my iPhone",
)  # fmt: skip


class Intent(Noun):
    """One thing that people want from the desk."""

    intent: str
    queue: str
    priority: int
    reply: str | None
    """Key of the reply template; None where a person writes."""
    hands_to: str | None
    """The worker that gets a case of its own."""
    description: str
    banking77: tuple[str, ...] = ()
    clinc150: tuple[str, ...] = ()


@cache
def intents() -> dict[str, Intent]:
    """The desk's intents by name."""
    listed = yaml.safe_load((_HERE / "triage_intents.yaml").read_text(encoding="utf-8"))["intents"]
    return {row["intent"]: Intent.model_validate(row) for row in listed}


def build(data_folder: Path) -> list[Example]:
    """What the shipped model is trained on: filled templates and the train part of the public sets."""
    return _with_templates([example for example, company in _public(data_folder) if not company])


def shipped() -> list[Example]:
    """The same from the files that ship with the worker, without the public sets at hand."""
    return _with_templates(list(_shipped_public()))


def pack_public(data_folder: Path) -> bytes:
    """The train part of the public sets as it ships, in `triage_public.jsonl.gz`; the same sets give the same bytes."""
    rows = dict.fromkeys(example for example, company in _public(data_folder) if not company)
    lines = (json.dumps({"label": one.label, "text": one.text}, ensure_ascii=False) for one in rows)
    return gzip.compress("\n".join(lines).encode(), 9, mtime=0)


def _shipped_public() -> Iterator[Example]:
    for line in gzip.decompress((_HERE / "triage_public.jsonl.gz").read_bytes()).decode().split("\n"):
        yield Example.model_validate_json(line)


def _with_templates(examples: list[Example]) -> list[Example]:
    """`examples` of the public sets, and the desk's own utterances with their slots filled."""
    random = Random(0)  # noqa: S311 - seeded on purpose
    # A pattern can happen to yield a wording that the company was given.
    reserved = {tuple(words(text)) for parts in _utterances().values() for text in parts["company"]}
    found = list(examples)
    for label, parts in _utterances().items():
        drawn = [(text, _FILLS) for text in parts["train"]] + [(text, _PATTERN_FILLS) for text in parts["patterns"]]
        for template, times in drawn:
            wordings = [_worded(template, random) for _ in range(times)]
            kept = [wording for wording in wordings if tuple(words(wording)) not in reserved]
            found += [Example(text=_mail(wording, random), label=label, group=template) for wording in kept]
    return list(dict.fromkeys(found))


def company_texts(data_folder: Path) -> dict[str, list[str]]:
    """Utterances by intent that the model never sees, with unfilled slots."""
    found: dict[str, list[str]] = {name: [] for name in intents()}
    for label, parts in _utterances().items():
        found[label] += parts["company"]
    for example, company in _public(data_folder):
        if company:
            found[example.label].append(example.text)
    return {label: sorted(set(texts)) for label, texts in found.items()}


def fill(template: str, random: Random) -> str:
    """`template` with made-up values in its slots."""
    number = random.randrange(1000, 99999)
    day, month = random.randrange(1, 29), random.randrange(1, 13)
    cents = random.randrange(500, 3_000_000)
    whole, rest = cents // 100, f"{cents % 100:02}"
    values = {
        "invoice": random.choice([f"INV-2026-{number:05}", f"SI-2026-{number:06}", f"R-{number}", f"RE {number}", f"{number}", f"invoice {number}", f"NW{number}"]),
        "order": random.choice([f"SO-{number}", f"PO-{number:06}", f"order {number}", f"A{number}", f"{number}", f"ORD-2026-{number}"]),
        "amount": random.choice([f"{whole:,}.{rest} EUR", f"EUR {whole}", f"€{whole}.{rest}", f"{whole:,}".replace(",", ".") + f",{rest} €", f"${whole:,}"]),
        "date": random.choice([f"2026-{month:02}-{day:02}", f"{day}.{month}.2026", f"{_MONTHS[month - 1]} {day}", f"{day} {_MONTHS[month - 1]}",
                               "Friday", "next Tuesday", "the end of the month", f"{day}/{month}/26", "next week"]),
        "name": random.choice(_NAMES),
        "company": random.choice(_COMPANIES),
    }  # fmt: skip
    return template.format_map(values)


_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def _worded(template: str, random: Random) -> str:
    return _ALTERNATION.sub(lambda found: random.choice(found[1].split("|")), template)


def _mail(wording: str, random: Random) -> str:
    """`wording` filled, sometimes typed carelessly, sometimes framed as a mail."""
    text = wording
    if "\n" not in text and random.random() < 0.4:
        text = random.choice(_GREETINGS) + random.choice("\n ") + text
    if text.count("\n") < 2 and random.random() < 0.4:
        text += "\n" + random.choice(_SIGNATURES)
    text = fill(text, random)
    if random.random() < 0.25:
        text = _mistyped(text, random)
    return text.lower() if random.random() < 0.2 else text


def _mistyped(text: str, random: Random) -> str:
    at = random.randrange(len(text))
    if len(text) < 12 or not text[at : at + 2].isalpha():
        return text
    return random.choice([text[:at] + text[at + 1 :], text[:at] + text[at + 1 : at + 2] + text[at] + text[at + 2 :]])


def _public(data_folder: Path) -> Iterator[tuple[Example, bool]]:
    yield from _banking77(data_folder)
    yield from _clinc150(data_folder)


def _banking77(data_folder: Path) -> Iterator[tuple[Example, bool]]:
    desk = {label: name for name, intent in intents().items() for label in intent.banking77}
    for example in read_examples(_file(data_folder, "banking77/train.csv")).examples:
        text = " ".join(example.text.split())
        yield Example(text=text, label=desk[example.label]), zlib.crc32(text.lower().encode()) % 100 < _COMPANY_SHARE


def _clinc150(data_folder: Path) -> Iterator[tuple[Example, bool]]:
    desk = {label: name for name, intent in intents().items() for label in intent.clinc150}
    foreign = _foreign_intents(data_folder)
    yield from _clinc150_part(data_folder, "train", desk, foreign - _ONLY_COMPANY, _OOS_PER_INTENT, company=False)
    yield from _clinc150_part(data_folder, "oos_train", {}, frozenset({"oos"}), 1000, company=False)
    yield from _clinc150_part(data_folder, "val", desk, foreign - _ONLY_COMPANY, 1, company=True)
    yield from _clinc150_part(data_folder, "val", {}, _ONLY_COMPANY, 8, company=True)
    yield from _clinc150_part(data_folder, "oos_val", {}, frozenset({"oos"}), 1000, company=True)


def _clinc150_part(
    data_folder: Path, part: str, desk: Mapping[str, str], foreign: frozenset[str], most: int, *, company: bool
) -> Iterator[tuple[Example, bool]]:
    seen: dict[str, int] = defaultdict(int)
    for example in read_examples(_file(data_folder, f"clinc150/{part}.jsonl")).examples:
        seen[example.label] += 1
        if example.label in desk:
            yield Example(text=example.text, label=desk[example.label]), company
        elif example.label in foreign and seen[example.label] <= most:
            yield Example(text=example.text, label=OUT_OF_SCOPE), company


def _foreign_intents(data_folder: Path) -> frozenset[str]:
    domains: dict[str, list[str]] = json.loads(_file(data_folder, "clinc150/domains.json").read_text(encoding="utf-8"))
    return frozenset(label for domain in _FOREIGN_DOMAINS for label in domains[domain]) - _NEAR_THE_DESK


def _utterances() -> dict[str, dict[str, list[str]]]:
    loaded: dict[str, Any] = yaml.safe_load((_HERE / "triage_utterances.yaml").read_text(encoding="utf-8"))
    return {label: parts for label, parts in loaded.items() if label != "version"}


def _file(data_folder: Path, name: str) -> Path:
    path = data_folder / name
    if not path.is_file():
        raise BadInput(
            f"{path} is missing.", hint="The folder must hold the public files of CLINC150 and Banking77; see NOTICE."
        )
    return path
