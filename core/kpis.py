"""KPIs: what the ledger says about the work, computed by SQL over cases, actions, requests, decisions and effects.

The same statements run on SQLite and PostgreSQL. Percentiles are taken over the newest `SAMPLE` values.
Over 300 lines because the numbers and the cases behind them are counted by the same conditions, in one place.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from sqlalchemy import BigInteger, ColumnElement, Numeric, Select, and_, case, cast, func, or_, select
from sqlmodel import Session

from .actions import ActionState
from .approval import DecisionKind, RequestState
from .case import Case, CaseState
from .grants import RETURNED, SPENT
from .noun import Noun
from .receipt import EffectState
from .store import Ledger
from .tables import ActionRow, CaseRow, DecisionRow, EffectRow, QuarantineRow, RequestRow
from .verdict import Lane

# SQLModel types its columns as the values they hold, which says nothing of the expressions they make.
_CASE: Any = CaseRow
_ACTION: Any = ActionRow
_REQUEST: Any = RequestRow
_DECISION: Any = DecisionRow
_EFFECT: Any = EffectRow
_QUARANTINE: Any = QuarantineRow

Layer = Literal["business", "operations", "leading", "model"]
"""business: what the firm feels; operations: what the teams do; leading: what moves next; model: what the worker knows."""

SAMPLE = 20_000
"""How many of the newest values a percentile looks at."""

_TEN_THOUSANDTHS = 10_000


class Kpi(Noun):
    """One number, with how many things it rests on."""

    name: str
    """`touchless_rate`; playbooks set targets by this name."""
    value: float | Decimal | None
    """None where there is nothing to measure yet."""
    unit: str
    """`cases`, `ratio`, `hours`, `seconds`, … or an ISO currency, whose value is a Decimal."""
    n: int
    """How many cases, actions or decisions it rests on."""
    layer: Layer
    meaning: str
    """What it says, in one sentence."""
    better: Literal["higher", "lower", ""] = ""
    """Which way is better, where there is one."""
    cases: str = ""
    """Which cases are behind it, for `behind`; empty where there are none to show."""


def board(ledger: Ledger, *, now: datetime, since: datetime | None = None, worker: str = "") -> list[Kpi]:
    """Every KPI, of one worker or of all; `since` leaves out what was settled or opened before."""
    with ledger.reading() as session:
        figures = _Figures(session, now=now, since=since, worker=worker)
        return [*figures.business(), *figures.operations(), *figures.leading(), *figures.model()]


def behind(
    ledger: Ledger, cases: str, *, now: datetime, since: datetime | None = None, worker: str = "", limit: int = 200
) -> list[Case]:
    """The newest cases behind a number: `cases` is the KPI's own field."""
    with ledger.reading() as session:
        chosen = _Figures(session, now=now, since=since, worker=worker).chosen(cases)
        rows = session.scalars(select(CaseRow).where(chosen).order_by(_CASE.opened_at.desc(), _CASE.id).limit(limit))
        return [Case.model_validate(row) for row in rows]


class _Figures:
    """The statements behind the numbers, for one span of time and one worker."""

    def __init__(self, session: Session, *, now: datetime, since: datetime | None, worker: str) -> None:
        self.session, self.now, self.since, self.worker = session, now, since, worker

    def business(self) -> Iterator[Kpi]:
        closed = self.count(_CASE.id, self._closed())
        alone = self.count(_CASE.id, self.chosen("touchless"))
        yield Kpi(
            name="touchless_rate", value=_share(alone, closed), unit="ratio", n=closed, layer="business", better="higher",
            meaning="Closed cases that were done without any person.", cases="touchless",
        )  # fmt: skip
        words = {Lane.ALLOWED: "ran alone", Lane.REVIEWED: "was put before a person", Lane.PROHIBITED: "was blocked"}
        money = self._money_by_lane()
        for lane in Lane:
            for currency, total, number in money.get(lane.value, []):
                yield Kpi(
                    name=f"money_{lane.value}", value=total, unit=currency, n=number, layer="business",
                    meaning=f"Money in actions that {words[lane]}.", cases=f"lane:{lane.value}",
                )  # fmt: skip

    def operations(self) -> Iterator[Kpi]:
        for name, meaning in _CASE_COUNTS.items():
            number = self.count(_CASE.id, self.chosen(name))
            lower: Literal["lower", ""] = "lower" if name == "parked" else ""
            yield _count(f"cases_{name}", number, "cases", "operations", meaning, better=lower, cases=name)
        closed, missed = self._sla()
        yield Kpi(
            name="sla_miss_rate", value=_share(missed, closed), unit="ratio", n=closed, layer="operations", better="lower",
            meaning="Cases with a due time that were closed after it, or are open past it.", cases="late",
        )  # fmt: skip
        hours = self._cycle_hours()
        for percent in (50, 90):
            yield Kpi(
                name=f"cycle_p{percent}_hours", value=percentile(hours, percent), unit="hours", n=len(hours), better="lower",
                layer="operations", meaning=f"From receipt to close, {percent} % of cases take at most this.", cases="closed",
            )  # fmt: skip
        for state, meaning in _EFFECTS.items():
            number = self._effects(state)
            lower = "" if state is EffectState.DONE else "lower"
            yield _count(
                f"effects_{state.value}", number, "effects", "operations", meaning, better=lower, cases=f"effect:{state.value}"
            )
        if not self.worker:
            number = self.count(_QUARANTINE.id, _QUARANTINE.state == "open")
            yield _count("quarantined", number, "records", "operations", "Records that broke their contract.", better="lower")

    def leading(self) -> Iterator[Kpi]:
        waiting, oldest = self._waiting()
        yield _count(
            "waiting", waiting, "requests", "leading", "Requests that wait for a person.", better="lower", cases="waiting"
        )
        hours = (self.now - oldest).total_seconds() / 3600 if oldest else None
        yield Kpi(
            name="oldest_waiting_hours", value=hours, unit="hours", n=waiting, layer="leading", better="lower",
            meaning="How long the oldest request has waited.", cases="waiting",
        )  # fmt: skip
        seconds = self._decision_seconds()
        yield Kpi(
            name="decision_p50_seconds", value=percentile(seconds, 50), unit="seconds", n=len(seconds), layer="leading",
            meaning="Half of the decisions took at most this, from seeing to deciding.",
        )  # fmt: skip
        given = self._decisions()
        for kind, name in _DECIDED.items():
            yield _count(
                name,
                given.get(kind.value, 0),
                "decisions",
                "leading",
                f"Requests that people {name}.",
                cases=f"decision:{kind.value}",
            )
        decided = sum(given.get(kind.value, 0) for kind in _DECIDED)
        overruled = decided - given.get(DecisionKind.APPROVE.value, 0)
        yield Kpi(
            name="override_rate", value=_share(overruled, decided), unit="ratio", n=decided, layer="leading", better="lower",
            meaning="Decisions that changed or rejected what the worker proposed.", cases="overruled",
        )  # fmt: skip

    def model(self) -> Iterator[Kpi]:
        done = self._actions(_ACTION.state == str(ActionState.DONE))
        alone = self._actions(_ACTION.state == str(ActionState.DONE), _ACTION.lane == str(Lane.ALLOWED))
        yield Kpi(
            name="autonomy_rate", value=_share(alone, done), unit="ratio", n=done, layer="model", better="higher",
            meaning="Actions done that ran without asking.", cases="lane:allowed",
        )  # fmt: skip
        blocked = self._actions(_ACTION.state == str(ActionState.BLOCKED))
        yield _count(
            "blocked", blocked, "actions", "model", "Actions that were proposed and never run.", cases="lane:prohibited"
        )
        mean, number = self._confidence()
        yield Kpi(
            name="confidence_mean", value=mean, unit="ratio", n=number, layer="model", meaning="How sure the brains say they are, on average.",
        )  # fmt: skip

    def chosen(self, cases: str) -> ColumnElement[bool]:
        """The cases that a filter such as `closed`, `late` or `lane:allowed` means."""
        kind, _, word = cases.partition(":")
        if kind == "lane":
            return self._of(select(_ACTION.case_id).where(_ACTION.lane == word, *self._after(_ACTION.created_at)))
        if kind == "effect":
            return self._of(select(_EFFECT.case_id).where(_EFFECT.state == word, *self._after(_EFFECT.planned_at)))
        if kind == "decision":
            return self._of(select(_DECISION.case_id).where(_DECISION.kind == word, *self._after(_DECISION.decided_at)))
        return {
            "touchless": and_(self._closed(), _CASE.outcome == "done", _CASE.human.is_(False)),
            "opened": self._of(None, *self._after(_CASE.opened_at)),
            "closed": self._closed(),
            "open": self._of(None, _CASE.state != str(CaseState.CLOSED)),
            "parked": self._of(None, _CASE.state == str(CaseState.PARKED)),
            "late": self._of(None, self._late()),
            "waiting": self._of(select(_REQUEST.case_id).where(_REQUEST.state == str(RequestState.PENDING))),
            "overruled": self._of(
                select(_DECISION.case_id).where(
                    _DECISION.kind.in_([str(DecisionKind.EDIT), str(DecisionKind.REJECT)]),
                    *self._after(_DECISION.decided_at),
                )
            ),
        }[kind]

    def _of(self, ids: Select[Any] | None, *also: ColumnElement[bool]) -> ColumnElement[bool]:
        mine = [_CASE.worker == self.worker] if self.worker else []
        among = [_CASE.id.in_(ids)] if ids is not None else []
        return and_(True, *mine, *among, *also)

    def _closed(self) -> ColumnElement[bool]:
        return self._of(None, _CASE.state == str(CaseState.CLOSED), *self._after(_CASE.closed_at))

    def _late(self) -> ColumnElement[bool]:
        closed_late = and_(_CASE.closed_at > _CASE.due_at, *self._after(_CASE.closed_at))
        return or_(closed_late, and_(_CASE.closed_at.is_(None), _CASE.due_at < self.now))

    def _after(self, column: Any) -> list[ColumnElement[bool]]:
        return [] if self.since is None else [column >= self.since]

    def _mine(self, case_id: Any) -> list[ColumnElement[bool]]:
        return [case_id.in_(select(_CASE.id).where(_CASE.worker == self.worker))] if self.worker else []

    def count(self, column: Any, *where: ColumnElement[bool]) -> int:
        """How many rows there are."""
        return self.session.scalar(select(func.count(column)).where(*where)) or 0

    def _actions(self, *where: ColumnElement[bool]) -> int:
        return self.count(_ACTION.id, *where, *self._after(_ACTION.created_at), *self._mine(_ACTION.case_id))

    def _money_by_lane(self) -> dict[str, list[tuple[str, Decimal, int]]]:
        # SQLite adds text up as floats; whole ten-thousandths are added as integers on every database.
        scaled = cast(func.round(cast(_ACTION.amount, Numeric(24, 6)) * _TEN_THOUSANDTHS), BigInteger)
        query = (
            select(_ACTION.lane, _ACTION.currency, func.sum(scaled), func.count())
            .where(_ACTION.amount.is_not(None), *self._after(_ACTION.created_at), *self._mine(_ACTION.case_id))
            .group_by(_ACTION.lane, _ACTION.currency)
            .order_by(_ACTION.currency)
        )
        found: dict[str, list[tuple[str, Decimal, int]]] = {}
        for lane, currency, total, number in self.session.execute(query):
            exact = (Decimal(int(total)) / _TEN_THOUSANDTHS).quantize(Decimal("0.01"))
            found.setdefault(lane, []).append((currency or "", exact, number))
        return found

    def _sla(self) -> tuple[int, int]:
        settled = or_(
            and_(_CASE.closed_at.is_not(None), *self._after(_CASE.closed_at)),
            and_(_CASE.closed_at.is_(None), _CASE.due_at < self.now),
        )
        judged = self._of(None, _CASE.due_at.is_not(None), settled)
        missed = func.sum(case((self._late(), 1), else_=0))
        number, late = self.session.execute(select(func.count(), missed).select_from(CaseRow).where(judged)).one()
        return number, int(late or 0)

    def _cycle_hours(self) -> list[float]:
        query = select(_CASE.received_at, _CASE.closed_at).where(self._closed())
        rows = self.session.execute(query.order_by(_CASE.closed_at.desc()).limit(SAMPLE))
        return [(closed - received).total_seconds() / 3600 for received, closed in rows]

    def _effects(self, state: EffectState) -> int:
        where = (_EFFECT.state == str(state), *self._after(_EFFECT.planned_at), *self._mine(_EFFECT.case_id))
        return self.count(_EFFECT.key, *where)

    def _waiting(self) -> tuple[int, datetime | None]:
        query = select(func.count(), func.min(_REQUEST.created_at)).where(
            _REQUEST.state == str(RequestState.PENDING), *self._mine(_REQUEST.case_id)
        )
        number, oldest = self.session.execute(query).one()
        return number, oldest

    def _decision_seconds(self) -> list[float]:
        query = select(_DECISION.seconds).where(
            _DECISION.seconds.is_not(None), *self._after(_DECISION.decided_at), *self._mine(_DECISION.case_id)
        )
        return [float(one) for one in self.session.scalars(query.order_by(_DECISION.decided_at.desc()).limit(SAMPLE))]

    def _decisions(self) -> dict[str, int]:
        # What a standing grant stood for, no person decided.
        people = _DECISION.mode.not_in((SPENT, RETURNED))
        where = (people, *self._after(_DECISION.decided_at), *self._mine(_DECISION.case_id))
        query = select(_DECISION.kind, func.count()).where(*where).group_by(_DECISION.kind)
        return {row[0]: row[1] for row in self.session.execute(query)}

    def _confidence(self) -> tuple[float | None, int]:
        where = (*self._after(_ACTION.created_at), *self._mine(_ACTION.case_id))
        query = select(func.avg(_ACTION.confidence), func.count(_ACTION.confidence)).where(*where)
        mean, number = self.session.execute(query).one()
        return (None if mean is None else float(mean)), number


_CASE_COUNTS = {
    "opened": "Cases that were opened.",
    "closed": "Cases that were closed.",
    "open": "Cases that are open now.",
    "parked": "Cases that failed too often and wait for a person.",
}
_EFFECTS = {
    EffectState.DONE: "Effects that the outside confirmed.",
    EffectState.REFUSED: "Effects that the outside refused.",
    EffectState.UNKNOWN: "Effects whose answer was lost.",
}
_DECIDED = {DecisionKind.APPROVE: "approved", DecisionKind.EDIT: "edited", DecisionKind.REJECT: "rejected"}


def percentile(values: Sequence[float], percent: int) -> float | None:
    """The smallest value that at least `percent` % of the values do not exceed; None without values."""
    if not values:
        return None
    ranked = sorted(values)
    return ranked[max(0, -(-percent * len(ranked) // 100) - 1)]


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _count(
    name: str, number: int, unit: str, layer: Layer, meaning: str, *, better: Literal["lower", ""] = "", cases: str = ""
) -> Kpi:
    return Kpi(name=name, value=number, unit=unit, n=number, layer=layer, meaning=meaning, better=better, cases=cases)
