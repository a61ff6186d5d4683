"""Privacy: everything that the ledger holds about one customer or supplier, found by id, name or address.

A case is theirs where one of those is its party, its ticket's id, a whole value of its ticket, or the party of one of its actions; and
so are the cases it was handed on to. A text that only mentions them makes no case theirs: such cases are named apart.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from math import prod
from string import ascii_lowercase, ascii_uppercase
from typing import Any

from sqlalchemy import ColumnElement, String, Table, func, or_, select
from sqlmodel import AutoString, Session, SQLModel, col

from .errors import BadInput
from .noun import Noun, plain
from .tables import (
    CASE,
    EXPOSURE,
    GRANT,
    QUARANTINE,
    SWITCH,
    ActionRow,
    CaseRow,
    ExposureRow,
    GrantRow,
    QuarantineRow,
    SwitchRow,
)

SHORTEST = 3
"""Letters below which a name is refused: it would be a part of too much."""

_OF_A_CASE = "case_id"
_KEYS = frozenset({"id", "key", "digest", _OF_A_CASE})
_MOST_WAYS = 16
"""How many ways to write one name are looked for; each is a condition of a query."""
_SMALL = str.maketrans(ascii_uppercase, ascii_lowercase)
_NOT_TOLD = frozenset({"checkpoint"})
"""Columns that hold nothing about anybody: graph state is references only."""


class Subject(Noun):
    """Whom it is about, and under which words the ledger knows them."""

    asked: tuple[str, ...]
    """The id, names and addresses that were given."""
    known_as: tuple[str, ...]
    """These, and the ids, names and addresses that their cases add."""
    parties: tuple[str, ...] = ()
    """Those of them that actions name as their party: ids of customers and suppliers."""
    cases: tuple[str, ...] = ()
    """Ids of their cases, oldest first."""
    mentioned_in: tuple[str, ...] = ()
    """Ids of other cases whose texts mention them; nothing there is exported or erased."""
    quarantined: tuple[str, ...] = ()
    """Ids of their records in quarantine."""


def subject(session: Session, names: Iterable[str]) -> Subject:
    """Whom `names` mean in this ledger; raises BadInput where a name is too short to tell anybody apart."""
    asked = tuple(dict.fromkeys(name.strip() for name in names if name.strip()))
    if not asked or any(len(name) < SHORTEST for name in asked):
        raise BadInput(
            "Nobody can be told apart by so few letters.", hint="Give the customer's id, name or e-mail address in full."
        )
    # Once round: the names and addresses of their cases lead to the cases that know only those.
    known = tuple(dict.fromkeys((*asked, *_added(session, _cases(session, asked)))))
    cases = _with_children(session, _cases(session, known))
    return Subject(
        asked=asked,
        known_as=known,
        parties=tuple(sorted(set(_parties(session, cases)) & set(known))),
        cases=cases,
        mentioned_in=tuple(one for one in _mentions(session, known) if one not in cases),
        quarantined=_quarantined(session, known),
    )


def export(session: Session, about: Subject) -> dict[str, Any]:
    """Everything the ledger holds about somebody, as JSON types: by case, and what hangs on no case."""
    return {
        "subject": plain(about),
        "cases": [_case(session, one) for one in about.cases],
        "quarantine": _rows(session, QUARANTINE, col(QuarantineRow.id).in_(about.quarantined)),
        "exposure": _rows(session, EXPOSURE, col(ExposureRow.scope).in_(_scopes(about))),
        "switches": _rows(session, SWITCH, col(SwitchRow.scope).in_(_scopes(about))),
        "grants": _rows(session, GRANT, col(GrantRow.party).in_(about.parties or about.known_as)),
    }


def case_tables() -> Iterator[Table]:
    """Every table whose rows hang on a case."""
    return (table for table in SQLModel.metadata.sorted_tables if _OF_A_CASE in table.c)


def _case(session: Session, case_id: str) -> dict[str, Any]:
    (case,) = _rows(session, CASE, col(CaseRow.id) == case_id)
    hung_on = {table.name: _rows(session, table, table.c[_OF_A_CASE] == case_id) for table in case_tables()}
    return {"case": case, **{name: rows for name, rows in hung_on.items() if rows}}


def _rows(session: Session, table: Table, where: ColumnElement[bool]) -> list[dict[str, Any]]:
    columns = [column for column in table.c if column.name not in _NOT_TOLD]
    found = session.execute(select(*columns).where(where).order_by(*table.primary_key))
    return [{name: _told(value) for name, value in row._mapping.items()} for row in found]


def _told(value: Any) -> Any:
    """A column as JSON types; what is JSON in the ledger is told as such."""
    if isinstance(value, str) and value[:1] in "{[":
        try:
            return json.loads(value)
        except ValueError:
            return value
    return plain(value)


def _scopes(about: Subject) -> list[str]:
    return [f"party:{one}" for one in about.parties or about.known_as]


def _cases(session: Session, names: Sequence[str]) -> tuple[str, ...]:
    theirs = [condition for name in names for condition in _theirs(name)]
    of_actions = select(col(ActionRow.case_id)).where(or_(*(_acts_on(name) for name in names)))
    query = select(col(CaseRow.id)).where(or_(*theirs, col(CaseRow.id).in_(of_actions)))
    return tuple(session.scalars(query.order_by(col(CaseRow.opened_at), col(CaseRow.id))))


def _theirs(name: str) -> Iterator[ColumnElement[bool]]:
    yield func.lower(col(CaseRow.party)).in_(_lowered(name))
    yield col(CaseRow.external_id) == name
    yield from _holds(col(CaseRow.payload), json.dumps(name, ensure_ascii=False))


def _holds(column: Any, text: str) -> Iterator[ColumnElement[bool]]:
    lowered = func.lower(column)
    return (lowered.contains(one, autoescape=True) for one in _lowered(text))


def _lowered(text: str) -> tuple[str, ...]:
    """`text` in small letters, as a database may have them: SQLite leaves every letter beyond ASCII as it was written."""
    ways = [_word_lowered(word) for word in re.split(r"(\s+)", text)]
    if prod(len(one) for one in ways) > _MOST_WAYS:
        return _word_lowered(text)
    return tuple("".join(words) for words in product(*ways))


def _word_lowered(word: str) -> tuple[str, ...]:
    if word.isascii():
        return (word.lower(),)
    return tuple(dict.fromkeys(one.translate(_SMALL) for one in (word.lower(), word, word.title(), word.upper())))


def _acts_on(name: str) -> ColumnElement[bool]:
    party = f'"party":{json.dumps(name, ensure_ascii=False)}'
    targets = (
        col(ActionRow.target).endswith(f":{kind}/{name}", autoescape=True) for kind in ("customer", "supplier", "contact")
    )
    return or_(col(ActionRow.envelope).contains(party, autoescape=True), *targets)


def _with_children(session: Session, cases: Sequence[str]) -> tuple[str, ...]:
    found, fresh = list(cases), list(cases)
    while fresh:
        query = select(col(CaseRow.id)).where(col(CaseRow.parent_id).in_(fresh), col(CaseRow.id).not_in(found))
        fresh = list(session.scalars(query))
        found += fresh
    return tuple(found)


def _added(session: Session, cases: Sequence[str]) -> Iterator[str]:
    """What else the cases of somebody say about who that is: name, address and id."""
    for party, payload in session.execute(select(col(CaseRow.party), col(CaseRow.payload)).where(col(CaseRow.id).in_(cases))):
        told = json.loads(payload)
        inner = told.get("payload", {})
        for value in (party, *(inner.get(name) for name in ("requester", "customer_id", "party_id", "supplier_id"))):
            if isinstance(value, str) and len(value.strip()) >= SHORTEST:
                yield value.strip()
    yield from _parties(session, cases)


def _parties(session: Session, cases: Sequence[str]) -> Iterator[str]:
    for envelope in session.scalars(select(col(ActionRow.envelope)).where(col(ActionRow.case_id).in_(cases))):
        party = json.loads(envelope)["proposal"]["action"].get("party", "")
        if len(party) >= SHORTEST:
            yield party


def _mentions(session: Session, names: Sequence[str]) -> tuple[str, ...]:
    """Cases in which any text has one of `names` in it, however it got there."""
    found: dict[str, None] = {}
    for table in (CASE, *case_tables()):
        if table.name == "audit":
            continue
        case_id = table.c[_OF_A_CASE if _OF_A_CASE in table.c else "id"]
        texts = [column for column in table.c if isinstance(column.type, AutoString | String) and column.name not in _KEYS]
        for name in names:
            said = or_(*(condition for column in texts for condition in _holds(column, name)))
            found |= dict.fromkeys(session.scalars(select(case_id).where(said)))
    return tuple(sorted(found))


def _quarantined(session: Session, names: Sequence[str]) -> tuple[str, ...]:
    told = (json.dumps(name, ensure_ascii=False) for name in names)
    theirs = [condition for one in told for condition in _holds(col(QuarantineRow.raw), one)]
    theirs += [col(QuarantineRow.external_id) == name for name in names]
    return tuple(session.scalars(select(col(QuarantineRow.id)).where(or_(*theirs)).order_by(col(QuarantineRow.at))))
