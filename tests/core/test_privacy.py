"""What the ledger holds about somebody is found, handed out, and erased without breaking what must stay."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import event
from sqlmodel import SQLModel

from shiftlead.core import (
    actions,
    bodies,
    brains,
    erasure,
    exchanges,
    inbox,
    outbox,
    outcomes,
    privacy,
    quarantine,
    queue,
    switches,
)
from shiftlead.core.action import Action, Envelope, Proposal, Target, effect_key
from shiftlead.core.actions import ActionState, SealedAction
from shiftlead.core.approval import Decision, DecisionKind, Question, Request, RequestState
from shiftlead.core.brains import Shadow
from shiftlead.core.case import CaseState, TicketItem
from shiftlead.core.errors import BadInput, Conflict
from shiftlead.core.evidence import Evidence, Trust
from shiftlead.core.exchanges import ModelExchange
from shiftlead.core.money import Money
from shiftlead.core.outcomes import Judged, Stand
from shiftlead.core.receipt import Effect, EffectState, Outcome, Receipt
from shiftlead.core.store import Ledger, sqlite_path
from shiftlead.core.tables import IncidentItemRow, IncidentRow
from shiftlead.core.verdict import Lane, RuleHit, Verdict
from shiftlead.core.words import ERASED, is_code, kept_apart, with_words

NAME, MAIL, PARTY = "Jürgen Großmann", "j.grossmann@nordlicht.example", "C-104"
SECRETS = (
    NAME,
    MAIL,
    "LEAKED-NOTE",
    "LEAKED-ANSWER",
    "LEAKED-PROMPT",
    "LEAKED-WHY",
    "LEAKED-FACT",
    "LEAKED-DETAIL",
    "LEAKED-QUOTE",
    "LEAKED-LABEL",
    "LEAKED-TRUTH",
)
STAND = Stand(worker="triage", kind="ticket.reply", slice="language=en", brain="b")


def item(number, *, party=NAME, requester=MAIL, **payload):
    return TicketItem(
        source="company.tickets", external_id=f"T-{number}", kind="ticket", subject=f"From {party}", party=party,
        received_at="2026-09-14T08:00:00Z", payload={"body": f"LEAKED-NOTE by {party}", "requester": requester, **payload},
    )  # fmt: skip


def told(ledger, number, kind="ticket.reply", *, close=True, party=PARTY, name=NAME, **ticket):
    """A case with one of everything that hangs on a case."""
    with ledger.transaction() as tx:
        case = queue.open_case(tx, item(number, party=name, **ticket), worker="triage")
    (held,) = queue.claim(ledger, owner="w1", workers=["triage"], lease=timedelta(minutes=5))
    with ledger.transaction() as tx:
        action_id = f"act_{number}"
        proposal = Proposal(
            action=Action(
                kind=kind, target=Target(system="company", kind="ticket", id=f"T-{number}"), party=party,
                arguments={"to": ticket.get("requester", MAIL), "body": f"Dear {name}"}, amount=Money.of("12.50", "EUR"),
            ),
            confidence=0.9, rationale=f"LEAKED-WHY {name}", facts={"intent": "LEAKED-FACT"},
        )  # fmt: skip
        evidence = Evidence(name="customer", value=name, source="company:customer/x", trust=Trust.RECORD, read_at=tx.now)
        envelope = Envelope(
            tenant="main", case_id=case.id, action_id=action_id, worker="triage", playbook="triage@1", brain="b", proposal=proposal,
            evidence=(evidence,),
        )  # fmt: skip
        hit = RuleHit(rule="R-1", lane=Lane.REVIEWED, reason="because LEAKED-QUOTE", actual="LEAKED-QUOTE")
        verdict = Verdict(lane=Lane.REVIEWED, hits=(hit,), policy="p@1", policy_digest="d", judged_at=tx.now)
        sealed = SealedAction(
            id=action_id, case_id=case.id, seq=1, state=ActionState.DONE, envelope=envelope, digest=envelope.digest(), verdict=verdict,
            context={"intent": "LEAKED-FACT"}, makers=("worker:triage",),
        )  # fmt: skip
        actions.add(tx, sealed)
        request = Request(
            id=f"req_{number}", case_id=case.id, action_id=action_id, question=Question.APPROVE, state=RequestState.APPROVED,
            digest=sealed.digest, summary=f"From {name}", reason="LEAKED-WHY", created_at=tx.now,
        )  # fmt: skip
        inbox.put(tx, request)
        inbox.add_decision(
            tx,
            Decision(
                id=f"dec_{number}", request_id=request.id, case_id=case.id, kind=DecisionKind.EDIT, operator="ana", digest=sealed.digest,
                reason=f"LEAKED-ANSWER {name}", text="LEAKED-ANSWER", changes={"body": "LEAKED-ANSWER"}, decided_at=tx.now,
            ),
        )  # fmt: skip
        key = effect_key("main", case.id, action_id, sealed.digest)
        effect = Effect(
            key=key, case_id=case.id, action_id=action_id, connector="company", operation=kind, digest=sealed.digest,
            state=EffectState.PLANNED, planned_at=tx.now,
        )  # fmt: skip
        outbox.start(tx, effect, sender="w1")
        outbox.settle(
            tx, key, Receipt(key=key, outcome=Outcome.DONE, external_id="M-1", detail=f"LEAKED-DETAIL {name}", at=tx.now),
            case_id=case.id, actor="w1",
        )  # fmt: skip
        exchanges.put(
            tx, ModelExchange(case_id=case.id, brain="m", attempt=1, prompt="LEAKED-PROMPT", answer="LEAKED-ANSWER", at=tx.now)
        )
        judged = Judged(
            digest=sealed.digest, case_id=case.id, action_id=action_id, stand=STAND, confidence=0.9, right=False, counts=True,
            decision=DecisionKind.EDIT, decided_by="ana", label=f"LEAKED-LABEL {name}", truth=f"LEAKED-TRUTH {name}", at=tx.now,
        )  # fmt: skip
        outcomes.add(tx, judged)
        brains.keep_shadow(tx, Shadow(case_id=case.id, brain="c", label=f"LEAKED-LABEL {name}", confidence=0.8, at=tx.now))
        tx.audit("action.record_moved", actor="w1", case_id=case.id, detail=f"LEAKED-DETAIL {name} moved")
        queue.keep_findings(tx, case.id, [evidence])
        if close:
            queue.release(tx, held, CaseState.CLOSED, outcome="done", summary=f"Answered {name}")
    return case.id


def rows(ledger):
    """Every row of the ledger as text."""
    with ledger.reading() as session:
        return "\n".join(
            str(tuple(row)) for table in SQLModel.metadata.sorted_tables for row in session.execute(table.select())
        )


def subject(ledger, *names):
    with ledger.reading() as session:
        return privacy.subject(session, names)


def erase(ledger, *names, **kwargs):
    with ledger.transaction() as tx:
        return erasure.erase(tx, privacy.subject(tx.session, names), by="lea", reason="asked on 1 September", **kwargs)


@pytest.mark.parametrize("name", [PARTY, NAME, MAIL, MAIL.upper(), "T-1"])
def test_somebodys_cases_are_found_by_id_name_address_and_ticket(ledger, name):
    mine = told(ledger, 1)
    theirs = told(ledger, 2, party="C-2", name="Eva Lund", requester="eva@example.com")
    found = subject(ledger, name)
    assert found.cases == (mine,)
    assert theirs not in found.mentioned_in


@pytest.mark.parametrize("stored", ["Ömer Öztürk", "ömer öztürk", "ÖMER ÖZTÜRK", "Ömer ÖZTÜRK"])
@pytest.mark.parametrize("asked", ["Ömer Öztürk", "ömer öztürk", "ÖMER ÖZTÜRK"])
def test_the_case_of_letters_beyond_ascii_makes_no_difference(ledger, stored, asked):
    """SQLite knows small letters of ASCII only."""
    mine = told(ledger, 1, name=stored)
    other = told(ledger, 2, party="C-2", name="Eva Lund", requester="eva@example.com", note=f"as {stored} told me")
    found = subject(ledger, asked)
    assert (found.cases, found.mentioned_in) == ((mine,), (other,))


def test_names_that_their_cases_add_lead_to_the_others_of_theirs(ledger):
    first = told(ledger, 1)
    second = told(ledger, 2, requester="other@nordlicht.example")
    found = subject(ledger, MAIL)
    assert set(found.cases) == {first, second}
    assert {NAME, PARTY} <= set(found.known_as)
    assert found.parties == (PARTY,)


def test_a_case_that_was_handed_on_is_theirs_too(ledger):
    parent = told(ledger, 1)
    with ledger.transaction() as tx:
        handed = item(9, party="", requester="").model_copy(update={"subject": "a promise", "payload": {}})
        child = queue.open_case(tx, handed, worker="collections", parent_id=parent)
    assert subject(ledger, PARTY).cases == (parent, child.id)


def test_a_case_that_only_mentions_them_is_named_and_left_alone(ledger):
    mine = told(ledger, 1)
    other = told(ledger, 2, party="C-2", name="Eva Lund", requester="eva@example.com", note=f"as {NAME} told me")
    assert subject(ledger, PARTY).mentioned_in == (other,)
    done = erase(ledger, PARTY)
    assert (done.cases, done.mentioned_in) == ((mine,), (other,))
    with ledger.reading() as session:
        assert NAME in queue.item_of(session, other).payload["note"]


@pytest.mark.parametrize("names", [(), ("",), ("ab",), (PARTY, "x")])
def test_a_name_that_tells_nobody_apart_is_refused(ledger, names):
    with pytest.raises(BadInput):
        subject(ledger, *names)


def test_a_percent_sign_is_no_wildcard(ledger):
    told(ledger, 1)
    assert subject(ledger, "%%%").cases == ()
    assert subject(ledger, "___").cases == ()


def test_the_export_holds_one_of_everything(ledger):
    case_id = told(ledger, 1)
    with ledger.transaction() as tx:
        switches.throw(tx, f"party:{PARTY}", stopped=True, by="ana", reason="a complaint of theirs")
    with ledger.reading() as session:
        found = privacy.export(session, privacy.subject(session, [PARTY]))
    (case,) = found["cases"]
    assert case["case"]["id"] == case_id
    filled = {"action", "request", "decision", "effect", "exchange", "audit", "body", "outcome", "shadow"}
    assert filled <= set(case)
    assert case["action"][0]["envelope"]["proposal"]["action"]["arguments"]["to"] == MAIL
    assert found["switches"][0]["reason"] == "a complaint of theirs"
    told_of = json.dumps(found, ensure_ascii=False)
    assert all(secret in told_of for secret in SECRETS)


def test_nothing_in_words_is_left_and_everything_else_is(ledger):
    case_id = told(ledger, 1)
    with ledger.transaction() as tx:
        switches.throw(tx, f"party:{PARTY}", stopped=True, by="ana", reason="LEAKED-WHY")
    with ledger.reading() as session:
        before, effects = actions.of_case(session, case_id), outbox.of_case(session, case_id)
    done = erase(ledger, NAME)
    assert done.cases == (case_id,)
    assert done.counts == {
        "case_": 1, "action": 1, "request": 1, "decision": 1, "effect": 1, "exchange": 1, "body": done.counts["body"], "switch": 1,
        "outcome": 1, "shadow": 1,
    }  # fmt: skip
    left = rows(ledger)
    for secret in SECRETS[:2]:
        assert secret not in left, secret
    for secret in SECRETS[2:]:
        assert secret not in left.replace(done.model_dump_json(), ""), secret
    with ledger.reading() as session:
        case, after = queue.get(session, case_id), actions.of_case(session, case_id)
        assert (case.subject, case.external_id, case.outcome, case.state) == (ERASED, "T-1", "done", CaseState.CLOSED)
        assert queue.item_of(session, case_id).payload == {}
        for old, new in zip(before, after, strict=True):
            assert (new.id, new.digest, new.lane, new.kind, new.summary()) == (
                old.id,
                old.digest,
                old.lane,
                old.kind,
                old.summary(),
            )
            assert [hit.rule for hit in new.verdict.hits] == ["R-1"]
            assert new.envelope.proposal.rationale == ERASED != old.envelope.proposal.rationale
        kept = outbox.of_case(session, case_id)
        assert [(one.key, one.state, one.receipt.external_id) for one in kept] == [
            (one.key, one.state, "M-1") for one in effects
        ]
        assert inbox.decisions(session, case_id=case_id)[0].changes == {"body": ERASED}
        assert actions.done_before(session, "ticket.reply", after[0].envelope.proposal.action.target) == 1


def test_the_chain_holds_afterwards_and_says_what_was_done_without_saying_to_whom(ledger):
    case_id = told(ledger, 1)
    erase(ledger, NAME)
    assert ledger.verify() == []
    ours, whole = ledger.events()[-2:]
    assert (ours.kind, ours.case_id, ours.actor) == ("case.erased", case_id, "lea")
    assert (whole.kind, whole.data["cases"], whole.data["retained"]) == ("privacy.erased", 1, 0)
    assert whole.data["rows"]["exchange"] == 1
    assert NAME not in str(whole.data)
    with ledger.reading() as session:
        assert with_words(whole.data, bodies.of_case(session, ""))["reason"] == "asked on 1 September"


def test_what_certificates_rest_on_stays_without_the_words(ledger):
    told(ledger, 1)
    with ledger.transaction() as tx:
        (before,) = outcomes.of(tx.session, STAND, counting=True)
        plain = before.model_copy(update={"digest": "d", "label": "refund_request", "truth": ""})
        outcomes.add(tx, plain)
        (said,) = brains.shadows(tx.session, "c")
    erase(ledger, NAME)
    with ledger.reading() as session:
        after = {one.digest: one for one in outcomes.of(session, STAND, counting=True)}
        assert after[before.digest] == before.model_copy(update={"label": ERASED, "truth": ERASED})
        assert after["d"] == plain, "the name of a kind of case is a word of ours"
        assert brains.shadows(session, "c") == [said.model_copy(update={"label": ERASED})]
        assert [(one.right, one.n) for one in outcomes.tally(session, STAND.worker, STAND.kind, STAND.brain)] == [(0, 2)]


def test_an_effect_that_was_done_is_not_sent_again_after_its_words_are_erased(ledger):
    case_id = told(ledger, 1)
    erase(ledger, NAME)
    with ledger.transaction() as tx:
        (effect,) = outbox.of_case(tx.session, case_id)
        assert not outbox.start(tx, effect, sender="w2")


def test_nothing_is_erased_while_a_case_of_theirs_is_open(ledger):
    told(ledger, 1)
    still = told(ledger, 2, close=False)
    before = rows(ledger)
    with pytest.raises(Conflict, match=still):
        erase(ledger, NAME)
    assert rows(ledger) == before


def test_nothing_is_erased_that_is_evidence_in_an_open_incident(ledger, clock):
    case_id = told(ledger, 1)
    opened = IncidentRow(id="inc_1", title="wrong letters", state="open", opened_by="ana", opened_at=clock.now())
    item = IncidentItemRow(incident_id="inc_1", action_id="act_1", case_id=case_id, evidence=f'{{"to":"{MAIL}"}}')
    with ledger.transaction() as tx:
        tx.session.add_all([opened, item])
    with pytest.raises(Conflict, match="inc_1"):
        erase(ledger, NAME)
    with ledger.transaction() as tx:
        tx.session.get_one(IncidentRow, "inc_1").closed_at = tx.now
    assert erase(ledger, NAME).counts["incident_item"] == 1
    assert MAIL not in rows(ledger)


def test_nothing_is_erased_while_a_record_of_theirs_is_in_quarantine(ledger):
    told(ledger, 1)
    with ledger.transaction() as tx:
        quarantine.put(tx, source="company.tickets", external_id="T-7", problem="no date", owner="it", raw={"requester": MAIL})
    with pytest.raises(Conflict, match="qua_"):
        erase(ledger, NAME)
    with ledger.transaction() as tx:
        quarantine.mended(tx, source="company.tickets", external_id="T-7")
    assert erase(ledger, NAME).counts["quarantine"] == 1
    assert MAIL not in rows(ledger)


@pytest.mark.parametrize("kind", sorted(erasure.CONTACTS))
def test_a_contact_attempt_is_kept_for_three_years(ledger, clock, kind):
    kept, gone = told(ledger, 1, kind), told(ledger, 2)
    done = erase(ledger, NAME)
    assert done.cases == (gone,)
    assert [one.case for one in done.retained] == [kept]
    assert "1006.100" in done.retained[0].why
    with ledger.reading() as session:
        assert NAME in queue.get(session, kept).subject
    clock.advance(timedelta(days=3 * 366 + 1))
    assert kept in erase(ledger, NAME).cases


def test_what_is_kept_can_be_erased_where_the_law_does_not_apply(ledger):
    kept = told(ledger, 1, "reminder.send")
    done = erase(ledger, NAME, even_retained=True)
    assert (done.cases, done.retained) == ((kept,), ())
    assert ledger.events()[-1].data["even_retained"] is True


def test_every_table_that_hangs_on_a_case_is_blanked_or_left_on_purpose():
    known = set(erasure._BLANKED) | erasure.UNTOUCHED
    assert {table.name for table in privacy.case_tables()} == known


def test_nothing_is_left_in_the_file_of_the_ledger_or_its_log(tmp_path, clock):
    ledger = Ledger.create(f"sqlite:///{tmp_path / 'ledger.db'}", clock=clock)
    told(ledger, 1)
    path = sqlite_path(ledger.url)
    erase(ledger, NAME)
    assert erasure.scrub(ledger)
    for file in path.parent.iterdir():
        assert MAIL.encode() not in file.read_bytes(), file
        assert b"LEAKED" not in file.read_bytes(), file
    ledger.close()


def test_a_file_that_somebody_reads_is_not_scrubbed(tmp_path, clock):
    ledger = Ledger.create(f"sqlite:///{tmp_path / 'ledger.db'}", clock=clock)
    event.listen(ledger.engine, "checkout", lambda connection, *_: connection.execute("PRAGMA busy_timeout=50"))
    told(ledger, 1)
    with ledger.reading() as session:
        privacy.subject(session, [NAME])
        erase(ledger, NAME)
        assert not erasure.scrub(ledger)
    assert erasure.scrub(ledger)
    ledger.close()


# Words beside the chain


@pytest.mark.parametrize("code", ["", "wrong_queue", "not-a-repeat", "ConnectorError", "checked", "R-1".lower()])
def test_a_code_stays_in_the_chain(code):
    assert is_code(code)
    assert kept_apart({"reason": code}) == ({"reason": code}, {})


@pytest.mark.parametrize(
    "words", ["Keller called", "Keller", "ask j.k@example.com", "x" * 60, "two words", "0221-9123456", "de02120300000000202051"]
)
def test_free_words_do_not(words):
    told_of, apart = kept_apart({"why": words, "scope": "all"})
    assert apart == {told_of["why"]: ("why", words)}
    assert with_words(told_of, {told_of["why"]: words}) == {"why": words, "scope": "all"}
    assert with_words(told_of, {}) == {"why": ERASED, "scope": "all"}


def test_words_that_are_said_again_are_kept_once(ledger):
    with ledger.transaction() as tx:
        for scope in ("all", "party:C-1"):
            switches.throw(tx, scope, stopped=True, by="ana", reason="looks wrong to me")
    with ledger.transaction() as tx:
        switches.throw(tx, "all", stopped=True, by="ben", reason="looks wrong to me")
    with ledger.reading() as session:
        assert list(bodies.of_case(session, "").values()) == ["looks wrong to me"]
    assert ledger.verify() == []
