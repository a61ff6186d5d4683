"""`shiftlead doctor`: is everything in its place, and what needs a person."""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..core.errors import ShiftleadError
from .cli_errors import CHECK_FAILED
from .cli_session import Session, command

if TYPE_CHECKING:
    from ..connectors.base import Operation
    from ..core.store import Ledger
    from ..guardrails.policy import Policy

OK, LOOK, BROKEN = "ok", "look", "broken"
"""A check holds; a person should look; something does not work."""

Check = tuple[str, str, str]
"""What was looked at, how it is, and what was found."""


def register(app: typer.Typer) -> None:
    """Add the command."""

    @command(app, "doctor")
    def doctor(
        session: Session,
        operations: Annotated[bool, typer.Option("--operations", help="List every operation with its arguments.")] = False,
    ) -> None:
        """Look at workspace, ledger, policy, connectors, workers and plugins; exit code 1 where something is broken."""
        if operations:
            _operations(session)
            return
        place = session.place
        found = [("workspace", OK, str(place.folder)), *_checks(session)]
        session.out.listed(
            ("check", "state", "found"),
            [{"check": name, "state": state, "found": detail} for name, state, detail in found],
            lambda one: tuple(one.values()),
        )
        if any(state == BROKEN for _, state, _ in found):
            raise typer.Exit(CHECK_FAILED)


def _checks(session: Session) -> Iterator[Check]:
    for name, looks in (
        ("ledger", _ledger),
        ("policy", _policy),
        ("connectors", _connectors),
        ("workers", _workers),
        ("plugins", _plugins),
        ("operators", _operators),
        ("own key", _own_key),
        ("lanes", _lanes),
    ):
        yield from _guarded(name, looks, session)


def _guarded(name: str, looks: Callable[[Session], Iterator[Check]], session: Session) -> Iterator[Check]:
    try:
        yield from looks(session)
    except ShiftleadError as error:
        yield name, BROKEN, str(error)
    except Exception as error:  # noqa: BLE001 - one broken part must not hide the state of the others
        yield name, BROKEN, f"{type(error).__name__}: {error}"


def _ledger(session: Session) -> Iterator[Check]:
    from ..core import inbox, outbox, quarantine, queue, switches
    from ..core.case import CaseState
    from ..core.receipt import EffectState

    with session.ledger() as ledger, ledger.reading() as reading:
        where = ledger.engine.url.render_as_string(hide_password=True)
        yield "ledger", OK, f"revision {ledger.revision()}, {ledger.ticks()} audit events, {where}"
        waiting = inbox.count_waiting(reading, now=ledger.clock.now())
        yield "inbox", OK, f"{waiting} requests wait for a person"
        held = quarantine.listed(reading, limit=1000)
        owners = ", ".join(sorted({one.owner for one in held}))
        yield "quarantine", LOOK if held else OK, f"{quarantine.count(reading)} records{f' for {owners}' if held else ''}"
        lost = outbox.in_state(reading, (EffectState.UNKNOWN,))
        yield "effects", LOOK if lost else OK, f"{len(lost)} with a lost answer{_of(one.case_id for one in lost)}"
        parked = queue.listed(reading, states=(CaseState.PARKED,))
        yield "parked", LOOK if parked else OK, f"{len(parked)} cases failed too often{_of(one.id for one in parked)}"
        yield _checkpoints(session, ledger)
        stopped = switches.thrown(reading)
        told = "; ".join(
            f"{one.scope} by {one.by}: {one.reason}{f'; {one.resume_by} asks to let it run' if one.resume_by else ''}"
            for one in stopped
        )
        yield "stopped", LOOK if stopped else OK, told or "nothing is stopped"


def _checkpoints(session: Session, ledger: "Ledger") -> Check:
    """How much of the audit chain is signed for in another place."""
    from ..core.checkpoints import read_checkpoints
    from .cli_notary import places

    known = places(session)
    if not known:
        told = "none elsewhere, so nobody would notice a rewritten chain; name a file under `checkpoints:`"
        return "checkpoints", LOOK, told
    ring = session.place.keys.ring()
    signed = min(
        max((one.size for one in read_checkpoints(path) if one.trusted(ring)), default=0) if path.exists() else 0
        for path in known
    )
    return "checkpoints", OK if signed else LOOK, f"{signed} of {ledger.ticks()} events are signed for elsewhere"


def _policy(session: Session) -> Iterator[Check]:
    from ..core import policies
    from ..guardrails import review
    from ..guardrails.enactment import in_force

    place = session.place
    with session.ledger() as ledger:
        found = in_force(ledger, place, place.keys.ring())
        with ledger.reading() as reading:
            known, last = policies.history(reading), policies.last_adopted(reading)
    report = review.check(found.policy, proving=False)
    serious = [remark for remark in report.remarks if remark.serious]
    signers = ", ".join(f"{one.by} ({one.act})" for one in found.version.signed_by)
    told = f"{report.policy}, {report.rules} rules, digest {found.version.digest[:12]}, signed by {signers}"
    yield "policy", BROKEN if serious else OK, "; ".join([told, *(f"{one.rule} {one.text}" for one in serious)])
    if last != found.version.digest:
        yield "policy", BROKEN, f"the audit chain says that {last[:12]} came into force last; somebody changed the ledger"
    yield from (("policy file", LOOK, warning) for warning in found.warnings)
    for one in known:
        if one.state is policies.PolicyState.PROPOSED:
            asked = (
                f"{one.ref} ({one.digest[:12]}) by {one.signatures[0].by} waits for a second person: `shiftlead policy sign`"
            )
            yield "policy", LOOK, asked


def _connectors(session: Session) -> Iterator[Check]:
    from ..agents.crew import open_connectors

    for name, connector in open_connectors(session.place, session.clock).items():
        try:
            health = connector.health()
            yield f"connector {name}", OK if health.ok else BROKEN, health.detail
        finally:
            connector.close()


def _workers(session: Session) -> Iterator[Check]:
    from ..agents.crew import open_workers

    for name, worker in open_workers(session.place).items():
        yield f"worker {name}", OK, f"{worker.playbook.ref}, takes {', '.join(sorted(worker.takes))}"


def _plugins(_: Session) -> Iterator[Check]:
    """Everything that is installed, in use or not: a plugin that fails to load is better known today than needed tomorrow."""
    from ..agents.crew import WORKERS
    from ..agents.worker import Worker
    from ..connectors.base import Connector
    from ..connectors.registry import GROUP, installed, load_plugin

    groups: tuple[tuple[str, type[Any]], ...] = ((GROUP, Connector), (WORKERS, Worker))
    for where, base in groups:
        loaded = []
        for name in installed(where):
            try:
                load_plugin(name, base, where)
                loaded.append(name)
            except ShiftleadError as error:
                yield f"plugin {name}", BROKEN, str(error)
        yield where, OK, ", ".join(loaded) or "none"


def _operators(session: Session) -> Iterator[Check]:
    known = session.place.workspace.operators
    strangers = [f"{name} ({role})" for name, role in known.items() if session.policy.role(role) is None]
    if not known or strangers:
        yield "operators", LOOK, f"no role of the policy: {', '.join(strangers)}" if strangers else "nobody may decide"
    else:
        lacks = [*_lacks(session.policy, known), *_without_key(session)]
        people = ", ".join(f"{name} ({role})" for name, role in known.items())
        yield "operators", LOOK if lacks else OK, "; ".join([people, *lacks])


def _lacks(policy: "Policy", known: Mapping[str, str]) -> Iterator[str]:
    """What the policy asks of people that the workspace does not have."""
    held = [place for place, role in enumerate(policy.roles) if role.name in known.values()]
    covered = [role.name for place, role in enumerate(policy.roles) if place not in held and place < max(held)]
    dead_ends = [role.name for role in policy.roles[max(held) + 1 :]]
    if covered:
        yield f"nobody holds {' or '.join(covered)}, so a higher role decides what is asked of them"
    if dead_ends:
        yield f"nobody holds {' or '.join(dead_ends)} or a higher role, so what is escalated there waits for ever"
    needed = [*(action.approvals for action in policy.actions), *(rule.approvals for rule in policy.rules)]
    most = max(needed, default=1)
    if most > len(known):
        yield f"some actions need {most} approvals, and there {_people(len(known))}"
    if len(known) == 1 and policy.separation == "four_eyes":
        yield "one person under four eyes cannot approve what they edited; add a person, or set `separation: one_person`"


def _own_key(session: Session) -> Iterator[Check]:
    if session.place.keys.own() is None:
        yield "own key", LOOK, "there is none, so nobody would notice an action that was written into the ledger"
    else:
        yield "own key", OK, "what workers propose is sealed with it"


def _lanes(session: Session) -> Iterator[Check]:
    """What an alarm closed, what ends, and what begins anew though nobody wanted it."""
    from ..core import certificates
    from ..guardrails.stages import ALARMS, closings, standings
    from .cli_standing import closed_told, lane_told

    names, ring = list(session.place.workspace.workers), session.place.roster().keyring
    with session.ledger() as ledger, ledger.reading() as reading:
        at = ledger.clock.now()
        closed = [one for one in closings(certificates.listed(reading), since=at - ALARMS) if one.alarm]
        lanes = standings(reading, session.policy, ring, at=at, workers=names, every=True)
    told = "; ".join(closed_told(one) for one in closed)
    yield "closed lanes", LOOK if closed else OK, told or "no alarm closed one in the last 7 days"
    held = [one for one in lanes if one.certificate is not None]
    ends = [f"{lane_told(one.stand)} ends on {one.until:%Y-%m-%d}" for one in held if one.ends_soon]
    yield "certificates", LOOK if ends else OK, "; ".join(ends) or f"lanes held open: {len(held)}"
    broken = [lane_told(one.stand) for one in lanes if one.progress is not None and not one.progress.readable]
    many = "; ".join(f"{one}: its test cannot be read and begins anew" for one in broken)
    yield "trials", LOOK if broken else OK, many or f"lanes tested: {sum(one.progress is not None for one in lanes)}"


def _without_key(session: Session) -> Iterator[str]:
    trusted = session.place.keys.ring().names
    for name in session.place.workspace.operators:
        if name not in trusted:
            yield f"{name} has no key and cannot decide; `shiftlead operator key {name}` makes one"


def _people(count: int) -> str:
    return "is one person" if count == 1 else f"are {count} people"


def _operations(session: Session) -> None:
    from ..agents.crew import open_connectors

    connectors = open_connectors(session.place, session.clock)
    found = [(name, one) for name, connector in connectors.items() for one in connector.operations().values()]
    for connector in connectors.values():
        connector.close()
    session.out.listed(
        ("connector", "operation", "kind", "arguments", "summary"),
        [_described(name, one) for name, one in found],
        lambda one: (
            one["connector"],
            one["name"],
            "effect" if one["effect"] else "read",
            ", ".join(one["arguments"]),
            one["summary"],
        ),
    )


def _described(connector: str, operation: "Operation") -> dict[str, Any]:
    schema = operation.arguments.model_json_schema()
    required = schema.get("required", ())
    return {
        "connector": connector,
        "name": operation.name,
        "effect": operation.effect,
        "summary": operation.summary,
        "arguments": {
            name: f"{'' if name in required else 'optional '}{_kind(one)}" for name, one in schema.get("properties", {}).items()
        },
        "editable": operation.editable,
        "authority": operation.authority,
        "reversibility": operation.reversibility,
    }


def _kind(field: dict[str, Any]) -> str:
    return str(field.get("type") or next((one["type"] for one in field.get("anyOf", ()) if "type" in one), "any"))


def _of(ids: Any) -> str:
    named = sorted(set(ids))
    return f" ({', '.join(named[:5])}{', …' if len(named) > 5 else ''})" if named else ""
