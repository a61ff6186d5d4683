"""An envelope is sealed by its digest, which stays what it is when the product learns a new field."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from shiftlead.core.action import Action, Change, Envelope, Proposal, Target
from shiftlead.core.evidence import Evidence, Trust
from shiftlead.core.money import Money

SEALED = (
    '{"action_id":"act_0000000000000001","brain":"embedded@1","case_id":"case_0000000000000001","evidence":[{"name":"account",'
    '"note":"","read_at":"2026-09-15T09:00:00+00:00","source":"erp:invoice/I-1","trust":"record","value":"119.00"}],'
    '"playbook":"invoices@3","proposal":{"action":{"amount":{"amount":"119.00","currency":"EUR"},"arguments":{"amount":"119.00",'
    '"invoice_id":"I-1","said":null},"kind":"invoice.post","party":"S-1","reversibility":"irreversible","target":{"id":"I-1",'
    '"kind":"invoice","system":"erp","version":"4"}},"changes":[{"after":"posted","before":"open","field":"status",'
    '"record":"invoice I-1"}],"confidence":0.97,"facts":{"exceptions":0,"said":null},"labels":["clean"],'
    '"rationale":"It matches — “exactly”.","steps":[1,2]},"tenant":"main","worker":"invoices"}'
)
"""An envelope as ledgers hold it, of a brain that says nothing of itself."""

DIGEST = "fac6c5823cf6c0e7c25b333324f4be6e4eca67782f6cecda5856e690260a5a9c"


def envelope(**proposal):
    return Envelope(
        tenant="main", case_id="case_0000000000000001", action_id="act_0000000000000001", worker="invoices",
        playbook="invoices@3", brain="embedded@1",
        proposal=Proposal(
            action=Action(
                kind="invoice.post", target=Target(system="erp", kind="invoice", id="I-1", version="4"), party="S-1",
                arguments={"invoice_id": "I-1", "said": None, "amount": "119.00"}, amount=Money.of("119.00", "EUR"),
            ),
            confidence=0.97, rationale="It matches — “exactly”.", labels=("clean",), steps=(1, 2),
            changes=(Change(record="invoice I-1", field="status", before="open", after="posted"),),
            facts={"said": None, "exceptions": 0}, **proposal,
        ),
        evidence=(
            Evidence(
                name="account", value=Decimal("119.00"), source="erp:invoice/I-1", trust=Trust.RECORD,
                read_at=datetime(2026, 9, 15, 9, 0, tzinfo=UTC),
            ),
        ),
    )  # fmt: skip


def test_an_envelope_of_before_keeps_its_digest():
    stored = Envelope.model_validate_json(SEALED)
    assert stored.sealed() == SEALED
    assert stored.digest() == DIGEST
    assert envelope().digest() == DIGEST


def test_what_a_brain_said_of_itself_is_sealed_with_the_rest():
    told = envelope(said=0.6)
    assert '"said":0.6' in told.sealed()
    assert told.digest() not in (DIGEST, envelope(said=0.7).digest())
    assert Envelope.model_validate_json(told.sealed()).proposal == told.proposal


@given(said=st.none() | st.floats(0, 1), argument=st.none() | st.text())
def test_whatever_is_sealed_reads_back_as_the_same_envelope(said, argument):
    made = envelope(said=said)
    action = made.proposal.action.model_copy(update={"arguments": {"said": argument}})
    made = made.model_copy(update={"proposal": made.proposal.model_copy(update={"action": action})})
    assert Envelope.model_validate_json(made.sealed()).digest() == made.digest()


@pytest.mark.parametrize("said", [-0.1, 1.1, float("nan"), float("inf")])
def test_what_a_brain_said_is_a_share_of_one(said):
    with pytest.raises(ValidationError):
        envelope(said=said)
