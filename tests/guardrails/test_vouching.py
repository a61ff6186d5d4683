"""Only who may open a lane issues a certificate, for what the policy asks and a sample has shown; closing one takes less."""

from datetime import timedelta

import pytest
from blank_ledger import blank_ledger
from stage import ANA, AT, CYD, POLICY, ROSTER, signer

from shiftlead.core import certificates
from shiftlead.core.certificates import Method
from shiftlead.core.errors import BadInput, Conflict, Forbidden, NotFound
from shiftlead.core.keys import LEDGER_KEY, Keyring
from shiftlead.core.outcomes import Stand
from shiftlead.core.settings import Operator
from shiftlead.core.store import Ledger
from shiftlead.guardrails import vouching
from shiftlead.guardrails.certification import certify
from shiftlead.guardrails.policy import parse_policy
from shiftlead.guardrails.standing import Standings

ASKS = parse_policy(POLICY.replace("invoice.post: {min_confidence: 0.5}", "invoice.post: {max_error: 0.05}"), origin="test")
STAND = Stand(worker="poster", kind="invoice.post", brain="embedded@1")
CASES = [(0.5 + number / 2000, number % 200 != 3) for number in range(1000)]


@pytest.fixture
def ledger(tmp_path, clock):
    opened = Ledger.open(blank_ledger(tmp_path / "ledger.db"), clock=clock, durable=False)
    yield opened
    opened.close()


def draft(*, by="cyd", target=0.05, confidence=0.95, stand=STAND):
    found = certify(CASES, target=target, confidence=confidence)
    made = vouching.drafted(stand, found, by=by, now=AT, days=30, scope="texts of August")
    assert made is not None
    return made


def issue(ledger, *drafts, operator=CYD, reason="looked at the sample", own=signer, keyring=ROSTER.keyring, policy=ASKS):
    return vouching.issue(ledger, policy, drafts, operator, reason=reason, signing=signer, own=own, keyring=keyring)


def valid(ledger):
    with ledger.reading() as session:
        return certificates.valid(session, STAND, at=ledger.clock.now())


def test_a_draft_says_what_was_found():
    found = certify(CASES, target=0.05)
    made = vouching.drafted(STAND, found, by="cyd", now=AT, days=30, scope="texts of August")
    assert (made.floor, made.bound, made.n, made.wrong, made.share) == (
        found.floor, found.bound, found.n_above, found.wrong, found.share,
    )  # fmt: skip
    assert (made.method, made.scope, made.issued_by, made.expires_at) == (
        Method.BATCH, "texts of August", "cyd", AT + timedelta(days=30),
    )  # fmt: skip


def test_from_nothing_that_was_shown_there_is_no_draft():
    found = certify(CASES[:20], target=0.01)
    assert vouching.drafted(STAND, found, by="cyd", now=AT, days=30, scope="") is None


def test_what_a_lead_issues_counts_and_is_told(ledger):
    (made,) = issue(ledger, draft())
    assert valid(ledger) == (made,)
    assert made.genuine(ROSTER.keyring)
    assert made.issued_by == "cyd"
    assert made.rules == Standings(ASKS, None).rules("invoice.post")
    kinds = [event.kind for event in ledger.events()]
    assert kinds == ["certificate.issued", "certificate.vouched"]


@pytest.mark.parametrize(
    ("changes", "error", "says"),
    [
        ({"operator": ANA}, Forbidden, "issued by the role 'lead' or a higher one; 'ana' is 'operator'"),
        ({"operator": Operator(name="cyd", role="boss")}, Forbidden, "no role 'boss'"),
        ({"reason": "  "}, BadInput, "with a reason"),
        ({"drafts": [draft(by="lea")]}, BadInput, "names 'lea' as its issuer"),
        ({"drafts": [draft(target=0.1)]}, BadInput, "At most 10 % wrong does not satisfy"),
        ({"drafts": [draft(confidence=0.9)]}, BadInput, "at least 95 % sure, not 90 %"),
        ({"drafts": [draft(stand=STAND.model_copy(update={"kind": "invoice.hold"}))]}, BadInput, "asks for no certificate"),
        ({"drafts": [draft(stand=STAND.model_copy(update={"kind": "cake.bake"}))]}, BadInput, "asks for no certificate"),
        ({"own": None}, BadInput, "would not count"),
        ({"keyring": Keyring.of([signer(LEDGER_KEY)])}, BadInput, "would not count"),
    ],
    ids=[
        "low role", "unknown role", "no reason", "another issuer", "too loose", "unsure", "not asked for", "unknown kind", "no seal",
        "no key",
    ],
)  # fmt: skip
def test_what_is_refused_leaves_nothing_behind(ledger, changes, error, says):
    given = {"drafts": [draft()], **changes}
    with pytest.raises(error, match=says):
        issue(ledger, *given.pop("drafts"), **given)
    assert valid(ledger) == ()
    assert ledger.events() == []


def test_one_bad_draft_spoils_them_all(ledger):
    with pytest.raises(BadInput):
        issue(ledger, draft(), draft(target=0.1))
    assert valid(ledger) == ()


def test_without_signatures_it_counts_by_its_row(ledger):
    (made,) = vouching.issue(ledger, ASKS, [draft()], CYD, reason="looked", signing=None, own=None, keyring=None)
    assert valid(ledger) == (made,)


def revoke(ledger, made, *, operator=ANA, reason="it has changed"):
    return vouching.revoke(ledger, ASKS, made, operator, reason=reason)


def test_anybody_with_a_role_ends_one_and_says_why(ledger):
    (made,) = issue(ledger, draft())
    ended = revoke(ledger, made.id)
    assert (ended.revoked_by, ended.why, ended.revoked_at) == ("ana", "it has changed", ledger.clock.now())
    assert valid(ledger) == ()
    assert ledger.events()[-1].kind == "certificate.revoked"


@pytest.mark.parametrize(
    ("changes", "error"),
    [({"operator": Operator(name="x", role="boss")}, Forbidden), ({"reason": ""}, BadInput), ({"made": "crt_none"}, NotFound)],
    ids=["no role", "no reason", "no certificate"],
)
def test_what_is_no_revocation_changes_nothing(ledger, changes, error):
    (made,) = issue(ledger, draft())
    with pytest.raises(error):
        revoke(ledger, **{"made": made.id, **changes})
    assert valid(ledger) == (made,)


def test_it_ends_only_once(ledger):
    (made,) = issue(ledger, draft())
    revoke(ledger, made.id)
    with pytest.raises(Conflict):
        revoke(ledger, made.id)
