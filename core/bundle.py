"""The bundle of one case: everything the ledger holds about it, signed, for somebody who has no access to the ledger.

docs/auditors.md documents the format and checks a bundle with nothing but a SHA-256 and an Ed25519 library.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from pydantic import ValidationError
from sqlmodel import Session, col, select

from . import actions, chain, inbox, outbox, queue
from .action import effect_key
from .actions import SEAL
from .approval import PURPOSE as DECISION
from .approval import Decision
from .audit import GENESIS, AuditEvent, link
from .checkpoints import Checkpoint
from .errors import BadInput
from .keys import LEDGER_KEY, Keyring, Signer
from .merkle import includes, inclusion
from .noun import Noun, canonical_json, digest, plain
from .tables import AuditRow, BodyRow

FORMAT = "shiftlead-bundle-1"
PURPOSE = "bundle"


class Linked(Noun):
    """One audit event with what proves its place in the chain."""

    event: AuditEvent
    previous: str
    """The hash of the event before it."""
    path: tuple[str, ...]
    """Its inclusion path under the checkpoint's root (RFC 6962)."""


class Bundle(Noun):
    """One case as the ledger holds it."""

    format: str = FORMAT
    made_at: datetime
    case: dict[str, Any]
    events: tuple[Linked, ...]
    checkpoint: Checkpoint
    actions: tuple[dict[str, Any], ...]
    """Each with `envelope` as the exact text whose SHA-256 is `digest`."""
    requests: tuple[dict[str, Any], ...]
    decisions: tuple[dict[str, Any], ...]
    effects: tuple[dict[str, Any], ...]
    bodies: dict[str, str]
    """Free words by their digest; those that were erased are not there."""
    keys: dict[str, str]
    """The public keys that the workspace trusts, by name, in base64."""
    signature: str = ""

    def statement(self) -> dict[str, Any]:
        """What is signed: the digest of everything else."""
        return {"format": self.format, "content": digest(self.model_dump(exclude={"signature"}))}


def bundle(
    session: Session, case_id: str, *, checkpoint: Checkpoint, keyring: Keyring, signer: Signer, now: datetime
) -> Bundle:
    """The signed bundle of a case; `checkpoint` must cover its events."""
    rows = session.exec(
        select(AuditRow)
        .where(col(AuditRow.case_id) == case_id, col(AuditRow.seq) <= checkpoint.size)
        .order_by(col(AuditRow.seq))
    ).all()
    leaves = chain.leaves(session, size=checkpoint.size)
    made = Bundle(
        made_at=now,
        case=plain(queue.get(session, case_id)),
        events=tuple(
            Linked(
                event=chain.told(row),
                previous=leaves[row.seq - 2] if row.seq > 1 else GENESIS,
                path=inclusion(leaves, row.seq - 1),
            )
            for row in rows
        ),
        checkpoint=checkpoint,
        actions=tuple(_action(one) for one in actions.of_case(session, case_id)),
        requests=tuple(plain(one) for one in inbox.of_case(session, case_id)),
        decisions=tuple(plain(one) for one in inbox.decisions(session, case_id=case_id)),
        effects=tuple(plain(one) for one in outbox.of_case(session, case_id)),
        bodies={row.digest: row.text for row in session.exec(select(BodyRow).where(col(BodyRow.case_id) == case_id))},
        keys={name: keyring.public(name) for name in keyring.names},
    )
    return made.model_copy(update={"signature": signer.sign(PURPOSE, made.statement())})


def read_bundle(text: str) -> Bundle:
    """The bundle in a JSON document; raises BadInput where it is none."""
    try:
        return Bundle.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadInput(
            f"This is no bundle: {where}: {first['msg']}.", hint="Take the file as `shiftlead audit bundle` wrote it."
        ) from error


def problems(given: Bundle, keyring: Keyring) -> list[str]:
    """Everything in the bundle that does not hold; `keyring` must come from elsewhere than the bundle."""
    found = (
        []
        if keyring.holds(LEDGER_KEY, PURPOSE, given.statement(), given.signature)
        else ["the bundle is not signed by the ledger"]
    )
    if not given.checkpoint.trusted(keyring):
        found.append("its checkpoint is not signed by the ledger")
    try:
        return [*found, *_inside(given, keyring)]
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
        return [*found, f"the bundle does not have the form it should have: {type(error).__name__}"]


def _inside(given: Bundle, keyring: Keyring) -> Iterator[str]:
    yield from _chain(given)
    yield from _bodies(given)
    # Where the chain itself says that the words are gone, what they were can be held against nothing any more.
    if not any(one.event.kind == "case.erased" for one in given.events):
        yield from _envelopes(given)
        yield from _seals(given, keyring)
        yield from _decisions(given, keyring)
        yield from _effects(given)


def _action(one: actions.SealedAction) -> dict[str, Any]:
    return {
        "id": one.id,
        "seq": one.seq,
        "round": one.round,
        "state": one.state.value,
        "digest": one.digest,
        "envelope": one.envelope.sealed(),
        "verdict": plain(one.verdict),
        "makers": list(one.makers),
        "sealed_by": one.sealed_by,
        "sealed": one.statement(),
        "seal": one.seal,
    }


def _chain(given: Bundle) -> Iterator[str]:
    root, size = given.checkpoint.root, given.checkpoint.size
    for one in given.events:
        event = one.event
        fields = {name: getattr(event, name) for name in ("seq", "at", "kind", "case_id", "actor")}
        if link(one.previous, **fields, data=canonical_json(event.data)) != event.hash:
            yield f"event {event.seq} does not give its hash"
        if not includes(event.hash, event.seq - 1, size, one.path, root):
            yield f"event {event.seq} is not under the checkpoint's root"
        if event.case_id != given.case["id"]:
            yield f"event {event.seq} is of another case"


def _told(given: Bundle, prefix: str) -> Iterator[Mapping[str, Any]]:
    return (one.event.data for one in given.events if one.event.kind.startswith(prefix))


def _envelopes(given: Bundle) -> Iterator[str]:
    judged = {str(value) for data in _told(given, "action.") for value in (data.get("digest"), data.get("after"))}
    for one in given.actions:
        sealed = json.loads(one["envelope"])
        if digest(one["envelope"]) != one["digest"]:
            yield f"the envelope of action {one['id']} does not give its digest"
        elif one["digest"] not in judged:
            yield f"no event tells of the digest of action {one['id']}"
        if sealed.get("case_id") != given.case["id"] or sealed.get("action_id") != one["id"]:
            yield f"the envelope of action {one['id']} is of another action"


def _seals(given: Bundle, keyring: Keyring) -> Iterator[str]:
    for one in given.actions:
        if one["sealed"]["digest"] != one["digest"] or not keyring.holds(one["sealed_by"], SEAL, one["sealed"], one["seal"]):
            yield f"the seal on action {one['id']} does not hold"


def _decisions(given: Bundle, keyring: Keyring) -> Iterator[str]:
    known = {(data.get("request"), data.get("digest"), data.get("said")) for data in _told(given, "decision.")}
    for raw in given.decisions:
        one = Decision.model_validate(raw)
        if not one.by_grant and not keyring.holds(one.operator, DECISION, one.statement(), one.signature):
            yield f"decision {one.id} is not signed by {one.operator!r}"
        if (one.request_id, one.digest, digest({"text": one.text, "changes": one.changes})) not in known:
            yield f"no event tells of decision {one.id}"


def _effects(given: Bundle) -> Iterator[str]:
    sealed = {one["id"]: json.loads(one["envelope"]) for one in given.actions}
    receipts = {(data.get("key"), data.get("receipt")) for data in _told(given, "effect.")}
    for one in given.effects:
        action = sealed.get(one["action_id"])
        if action is None or effect_key(action["tenant"], action["case_id"], action["action_id"], one["digest"]) != one["key"]:
            yield f"effect {one['key'][:12]} does not belong to its action"
        if one["receipt"] is not None and (one["key"], digest(one["receipt"])) not in receipts:
            yield f"no event tells of the receipt of effect {one['key'][:12]}"


def _bodies(given: Bundle) -> Iterator[str]:
    for told, text in given.bodies.items():
        if digest(text) != told:
            yield f"the words {told[:12]} do not give their digest"
