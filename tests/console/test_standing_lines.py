"""What the console says of a confidence, of a certificate, and of a lane that an alarm closed."""

from dataclasses import replace
from datetime import timedelta

import pytest
from stage import signer

from shiftlead.core import certificates, outcomes
from shiftlead.core.approval import DecisionKind
from shiftlead.core.certificates import Certificate, Method
from shiftlead.core.keys import LEDGER_KEY
from shiftlead.core.outcomes import Judged, Stand

STAND = Stand(worker="invoices", kind="invoice.short_pay", brain="embedded@1")
WHY = "More than 2.0% of what runs alone is wrong now."


@pytest.fixture
def policy(policy):
    """The house policy, had it asked for a certificate."""
    actions = tuple(one.model_copy(update={"max_error": 0.05}) if one.kind == STAND.kind else one for one in policy.actions)
    return policy.model_copy(update={"actions": actions})


def certify(ledger, number=1, *, stand=STAND):
    made = Certificate(
        id=f"crt_{number}", stand=stand, floor=0.83, target=0.05, bound=0.024, n=412, wrong=3, method=Method.BETTING,
        issued_at=ledger.clock.now(), expires_at=ledger.clock.now() + timedelta(days=60), issued_by=LEDGER_KEY,
    )  # fmt: skip
    sealed = made.model_copy(update={"seal": signer(LEDGER_KEY).sign(certificates.SEAL, made.statement())})
    with ledger.transaction() as tx:
        certificates.put(tx, sealed)


def close(ledger, number=1, *, by="system", why=WHY, stand=STAND):
    certify(ledger, number, stand=stand)
    with ledger.transaction() as tx:
        certificates.revoke(tx, f"crt_{number}", by=by, why=why)


def decide(ledger, right, wrong):
    with ledger.transaction() as tx:
        for number in range(right + wrong):
            judged = Judged(
                digest=f"{number:064x}", case_id="case", action_id=f"act_{number}", stand=STAND, confidence=0.87,
                right=number < right, counts=True, decision=DecisionKind.APPROVE, decided_by="ana", at=tx.now,
            )  # fmt: skip
            outcomes.add(tx, judged)


def news(screen):
    return [line for line in screen.lines if "▼" in line]


@pytest.mark.parametrize("size", [(120, 44), (80, 60)])
async def test_the_decision_says_what_the_confidence_was_worth(build, console, opened, ledger, size):
    build.request("INV-1", confidence=0.87)
    decide(ledger, 375, 37)
    async with opened(console(), size) as screen:
        await screen.press("enter")
        assert "confidence 0.87" in screen.text
        assert "says .85–.90 → right 91 %, n = 412" in screen.text
        assert "not certified: every such action is reviewed" in screen.text


async def test_a_certificate_that_covers_it_is_named(build, console, opened, ledger):
    build.request("INV-1", confidence=0.87)
    app = console()
    # The keys of this console know nothing of the ledger's own.
    app.desk.approvals.quorum.roster = replace(app.desk.approvals.quorum.roster, keyring=None)
    certify(ledger)
    async with opened(app, (170, 44)) as screen:
        assert "✓ certified: at most 2.4 % wrong from .83 on, until 14 November" in " ".join(screen.text.split())


async def test_a_kind_without_any_of_it_says_nothing(build, console, opened):
    build.request("INV-1", kind="invoice.hold")
    async with opened(console(), (120, 44)) as screen:
        assert "confidence 0.87" in screen.text
        assert "says ." not in screen.text
        assert "certified" not in screen.text


async def test_a_closed_lane_is_told_until_somebody_notes_it(build, console, opened, ledger):
    build.request("INV-1")
    close(ledger)
    async with opened(console()) as screen:
        (line,) = news(screen)
        for said in ("invoices invoice.short_pay", "closed ", WHY, "x noted"):
            assert said in line
        await screen.press("2")
        assert news(screen) == []
        await screen.press("1")
        assert len(news(screen)) == 1
        await screen.press("x")
        assert news(screen) == []
        assert screen.lines[2].lstrip().startswith("╭")


async def test_it_shows_up_and_ends_by_itself(build, console, opened, ledger, clock):
    build.request("INV-1", due=timedelta(days=3))
    app = console()
    async with opened(app) as screen:
        assert news(screen) == []
        close(ledger)
        app.poll_now()
        await screen.idle()
        assert len(news(screen)) == 1
        clock.advance(timedelta(hours=24, minutes=1))
        app.poll_now()
        await screen.idle()
        assert news(screen) == []


async def test_of_several_the_latest_is_told_and_how_many_more(console, opened, ledger, clock):
    close(ledger)
    clock.advance(timedelta(minutes=1))
    close(ledger, 2, why="The traffic has changed.", stand=STAND.model_copy(update={"slice": "language=en"}))
    async with opened(console(), (140, 30)) as screen:
        (line,) = news(screen)
        assert "invoice.short_pay language=en" in line
        assert "and 1 more: The traffic has changed." in line


async def test_what_a_person_revoked_is_no_news(console, opened, ledger):
    close(ledger, by="lea", why="moved house")
    async with opened(console()) as screen:
        assert news(screen) == []


async def test_a_damaged_certificate_takes_nothing_from_the_screen(build, console, opened, ledger):
    build.request("INV-1")
    certify(ledger)
    with ledger.engine.execution_options(write=True).begin() as connection:
        connection.exec_driver_sql("update certificate set terms = '{'")
    async with opened(console(), (120, 44)) as screen:
        assert "1 waiting" in screen.text
        assert "not certified" in screen.text


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_news_never_pushes_the_stop_key_or_the_help_off(build, console, opened, ledger, size):
    build.request("INV-1")
    close(ledger, why=WHY * 3, stand=STAND.model_copy(update={"slice": "language=en;queue=billing"}))
    async with opened(console(), size) as screen:
        (line,) = news(screen)
        assert line.rstrip().endswith("x noted")
        assert screen.lines[0].rstrip().endswith("F9 STOP")
        assert screen.lines[-1].rstrip().endswith("? help")
