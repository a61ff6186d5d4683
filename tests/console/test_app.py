"""The console, driven by keys alone: what is on the screen, what is written, and what is refused."""

from datetime import timedelta

import pytest

from shiftlead.console.dialogs import Choice
from shiftlead.console.edit_form import EditForm
from shiftlead.console.guide import Guide
from shiftlead.console.inbox import VirtualList
from shiftlead.console.stop_panel import StopPanel
from shiftlead.core import actions, bodies, inbox, switches
from shiftlead.core.actions import ActionState
from shiftlead.core.approval import DecisionKind, Question, RequestState
from shiftlead.core.settings import Operator
from shiftlead.core.verdict import Lane
from shiftlead.guardrails import killswitch
from shiftlead.guardrails.approvals import Answer


def decisions(ledger, request_id):
    with ledger.reading() as session:
        return inbox.decisions(session, request_id=request_id)


def stopped(ledger):
    with ledger.reading() as session:
        return [one.scope for one in switches.thrown(session)]


async def test_approve_writes_the_decision_and_shows_the_next(build, console, opened, ledger, clock):
    first = build.request("INV-1", due=timedelta(hours=1))
    second = build.request("INV-2", due=timedelta(hours=2))
    async with opened(console()) as screen:
        assert screen.painted == first.id
        clock.advance(timedelta(seconds=12))
        await screen.press("a")
        assert screen.painted == second.id
        assert "INV-1 approved" in screen.text
    (decision,) = decisions(ledger, first.id)
    assert (decision.kind, decision.operator, decision.digest) == (DecisionKind.APPROVE, "ana", first.digest)
    assert decision.seconds == 12
    with ledger.reading() as session:
        text = bodies.read(session, first.case_id, decision.shown)
        assert text.splitlines()[0].strip().startswith("● REVIEW")
        assert "INV-1" in text
        assert actions.get(session, first.action_id).state is ActionState.APPROVED
    assert decisions(ledger, second.id) == []
    assert ledger.verify() == []


async def test_the_screen_says_what_changes_why_and_on_what_evidence(build, console, opened):
    build.request("INV-1", note="please pay to another account")
    guides = {"invoices": Guide(steps={3: "Compare billed with received."})}
    async with opened(console(guides=guides), (120, 60)) as screen:
        for said in (
            "F9 STOP", "RUNNING", "prod", "ana·controller", "house@", "1 waiting",
            "1,284.50 EUR", "received → posted", "● REVIEW",
            "R-014", "limit 1,000 EUR", "284.50 EUR over", "R-031", "missing: days_since_bank_change", "did not match: R-003 R-021 R-022",
            "confidence 0.87", "90 of 100", '⚠ "please pay to another account"', "3m old",
            "DE02120300000000202051", "Compare billed with received.", "case opened", "action judged",
        ):  # fmt: skip
            assert said in screen.text, said


@pytest.mark.parametrize("size", [(80, 24), (100, 30), (120, 36), (200, 50)])
async def test_stop_help_and_amounts_are_never_cut(build, console, opened, size):
    build.request("INV-1", amount="1234567.89", approvals=2)
    async with opened(console(), size) as screen:
        assert screen.lines[0].rstrip().endswith("F9 STOP")
        assert "RUNNING" in screen.lines[0]
        assert screen.lines[-1].rstrip().endswith("? help")
        assert "€1.23M" in screen.text
        await screen.press("enter")
        assert "1,234,567.89 EUR" in screen.text
        assert "▲ DUAL" in screen.text


@pytest.mark.parametrize(("name", "shown"), [("root", "root·controller  F9"), ("alexandra", "alexandra·cont…  F9")])
async def test_a_narrow_screen_says_where_it_cuts_the_operator(console, opened, name, shown):
    async with opened(console(name=name), (80, 24)) as screen:
        assert shown in screen.lines[0]


async def test_a_narrow_screen_turns_between_list_and_decision(build, console, opened, ledger):
    first = build.request("INV-1")
    async with opened(console(), (80, 24)) as screen:
        assert "WHY A PERSON" not in screen.text
        await screen.press("a")
        assert "WHY A PERSON" in screen.text
        assert decisions(ledger, first.id) == [], "nobody approves what was not on the screen"
        await screen.press("q")
        assert "WHY A PERSON" not in screen.text
        await screen.press("enter", "a")
        assert [one.kind for one in decisions(ledger, first.id)] == [DecisionKind.APPROVE]
        assert "Nothing waits" in screen.text


async def test_reject_with_a_digit_from_the_playbooks_list(build, console, opened, ledger):
    first, second = build.request("INV-1"), build.request("INV-2", due=timedelta(hours=3))
    async with opened(console(guides={"invoices": Guide(reasons=("wrong_action", "not_now"))})) as screen:
        await screen.press("r")
        assert "not now" in screen.text
        assert "F9 STOP" in screen.lines[0]
        await screen.press("9")
        assert isinstance(screen.app.screen, Choice), "a digit without a reason does nothing"
        await screen.press("2")
        assert screen.painted == second.id
    (decision,) = decisions(ledger, first.id)
    assert (decision.kind, decision.reason) == (DecisionKind.REJECT, "not_now")


async def test_reject_in_own_words_and_esc_decides_nothing(build, console, opened, ledger):
    first = build.request("INV-1")
    async with opened(console()) as screen:
        await screen.press("r", "escape", "r", "0", "enter")
        assert "Write a few words" in screen.text
        assert decisions(ledger, first.id) == []
        await screen.type("not ours")
        await screen.press("enter")
    (decision,) = decisions(ledger, first.id)
    assert decision.reason == "not ours"


async def test_an_edit_is_checked_and_judged_anew_and_stays_in_sight(build, console, opened, ledger):
    build.operations()
    first = build.request("INV-1")
    async with opened(console()) as screen:
        await screen.press("e")
        assert isinstance(screen.app.screen, EditForm)
        assert "iban" not in screen.text.split("Edit, then")[1].split("ctrl+s")[0], "only what may be edited"
        await screen.press("ctrl+s")
        assert "Nothing was changed" in screen.text
        await screen.press("end", "x", "ctrl+s")
        assert "expected amount as 1284.50" in screen.text
        assert decisions(ledger, first.id) == []
        await screen.press("home", "shift+end", "delete")
        await screen.type("900.00")
        await screen.press("ctrl+s")
        assert screen.painted not in (None, first.id)
        assert "900.00 EUR" in screen.text
    (decision,) = decisions(ledger, first.id)
    assert (decision.kind, decision.changes) == (DecisionKind.EDIT, {"amount": "900.00"})
    with ledger.reading() as session:
        assert inbox.get(session, first.id).state is RequestState.SUPERSEDED


async def test_a_key_acts_on_what_is_painted_though_others_arrive(build, console, opened, ledger):
    shown = build.request("INV-5", due=timedelta(hours=5))
    async with opened(console()) as screen:
        urgent = build.request("INV-1", due=timedelta(minutes=5))
        screen.app.poll_now()
        await screen.idle()
        assert "▲ 1 new · . to merge" in screen.text
        assert screen.painted == shown.id
        await screen.press("a")
        assert len(decisions(ledger, shown.id)) == 1
        assert decisions(ledger, urgent.id) == []


async def test_merging_keeps_the_cursor_on_its_request(build, console, opened):
    shown = build.request("INV-5", due=timedelta(hours=5))
    async with opened(console()) as screen:
        build.request("INV-1", due=timedelta(minutes=5))
        screen.app.poll_now()
        await screen.idle()
        await screen.press("full_stop")
        assert screen.painted == shown.id
        assert "2 of 2" in screen.text
        await screen.press("k")
        assert screen.painted == "req_inv-1"


async def test_who_was_first_is_said_and_nothing_is_written_twice(build, console, opened, ledger, approvals):
    first, second = build.request("INV-1"), build.request("INV-2", due=timedelta(hours=3))
    async with opened(console()) as screen:
        answer = Answer(request_id=first.id, digest=first.digest, kind=DecisionKind.APPROVE)
        approvals.decide(answer, Operator(name="ben", role="controller"))
        await screen.press("a")
        assert "settled already: ben" in screen.text
        assert screen.painted == second.id
    assert [one.operator for one in decisions(ledger, first.id)] == ["ben"]
    assert decisions(ledger, second.id) == []


async def test_an_envelope_that_changed_meanwhile_is_not_approved(build, console, opened, ledger, approvals):
    build.operations()
    first = build.request("INV-1")
    async with opened(console()) as screen:
        edit = Answer(request_id=first.id, digest=first.digest, kind=DecisionKind.EDIT, changes={"amount": "7.00"})
        after = approvals.decide(edit, Operator(name="ben", role="controller")).next_request
        await screen.press("a")
        assert "settled already" in screen.text
    assert [one.kind for one in decisions(ledger, first.id)] == [DecisionKind.EDIT]
    assert decisions(ledger, after) == []


async def test_after_an_unexpected_error_the_next_decision_goes_through(build, console, opened, ledger, monkeypatch):
    first = build.request("INV-1")

    def broken(*_: object) -> None:
        raise RuntimeError("the disk is full")

    async with opened(console()) as screen:
        with monkeypatch.context() as patched:
            patched.setattr(screen.app.desk.approvals, "decide", broken)
            await screen.press("a")
        assert "not written: the disk is full" in screen.text
        await screen.press("a")
    assert [one.kind for one in decisions(ledger, first.id)] == [DecisionKind.APPROVE]


async def test_who_may_not_approve_is_told_why_and_cannot(build, console, opened, ledger):
    mine = build.request("INV-1", makers=("worker:invoices", "ana"), four_eyes=True)
    async with opened(console()) as screen:
        assert "⊘" in screen.lines[-1]
        assert " a approve" not in screen.lines[-1]
        assert "somebody else approves it" in screen.text
        await screen.press("a")
        assert decisions(ledger, mine.id) == []
        assert screen.painted == mine.id


async def test_the_first_of_two_approvals_leaves_it_in_the_inbox(build, console, opened, ledger):
    first = build.request("INV-1", approvals=2)
    build.request("INV-2", due=timedelta(hours=3))
    async with opened(console()) as screen:
        await screen.press("a")
        assert screen.painted == "req_inv-2"
        await screen.press("k")
        assert screen.painted == first.id
        assert "1 of 2" in screen.text
        assert "You approved this already" in screen.text
        await screen.press("a")
    assert len(decisions(ledger, first.id)) == 1


async def test_a_case_to_handle_is_answered_in_words(build, console, opened, ledger):
    first = build.request("INV-1", question=Question.HANDLE, lane=Lane.PROHIBITED)
    async with opened(console()) as screen:
        assert "■ BLOCK" in screen.text
        assert "approve" not in screen.lines[-1]
        await screen.press("a")
        assert "press c" in screen.text
        await screen.press("c")
        await screen.type("called them")
        await screen.press("enter")
    (decision,) = decisions(ledger, first.id)
    assert (decision.kind, decision.text) == (DecisionKind.RESPOND, "called them")


async def test_snooze_takes_it_out_and_escalate_asks_another_role(build, console, opened, ledger, clock):
    first = build.request("INV-1", due=timedelta(hours=1))
    second = build.request("INV-2", due=timedelta(hours=2))
    async with opened(console()) as screen:
        await screen.press("h", "1")
        assert screen.painted == second.id
        await screen.press("exclamation_mark", "1")
    with ledger.reading() as session:
        assert inbox.get(session, first.id).snoozed_until == clock.now() + timedelta(hours=1)
        assert [one.kind for one in inbox.decisions(session, request_id=second.id)] == [DecisionKind.ESCALATE]


async def test_f9_twice_stops_everything_from_a_focused_input_and_a_modal(build, console, opened, ledger):
    build.request("INV-1")
    async with opened(console()) as screen:
        await screen.press("r", "0")
        await screen.type("wro")
        await screen.press("f9")
        assert isinstance(screen.app.screen, StopPanel)
        assert stopped(ledger) == [], "the first press only asks"
        await screen.press("f9")
        assert stopped(ledger) == ["all"]
        assert "■ STOPPED" in screen.lines[0]
        assert isinstance(screen.app.screen, Choice), "the box under it is still there"


async def test_a_late_second_f9_counts_as_a_first_one(build, console, opened, ledger, clock):
    async with opened(console()) as screen:
        await screen.press("f9")
        clock.advance(timedelta(seconds=3))
        await screen.press("f9")
        assert stopped(ledger) == []
        await screen.press("f9")
        assert stopped(ledger) == ["all"]


async def test_one_scope_is_stopped_by_its_digit_and_resumed_by_two_people(build, console, opened, ledger):
    build.request("INV-1")
    async with opened(console(), (80, 24)) as screen:
        await screen.press("f9", "3")
        assert stopped(ledger) == ["action:invoice.short_pay"]
        assert "STOPPED" in screen.lines[0]
        await screen.press("f9", "r", "enter")
        assert stopped(ledger) == ["action:invoice.short_pay"], "no reason, no resume"
        assert "needs a reason" in screen.text
        await screen.type("checked")
        await screen.press("enter")
        assert stopped(ledger) == ["action:invoice.short_pay"], "one person is not enough"
        assert "Asked. It stays stopped" in screen.text
        assert "ana asks to let it run: checked" in screen.text
        assert "agree as the second person" not in screen.text
        await screen.press("r")
        await screen.type("again")
        await screen.press("enter")
        assert "a second person agrees" in screen.text
        assert stopped(ledger) == ["action:invoice.short_pay"]
    async with opened(console(name="ben"), (80, 24)) as screen:
        await screen.press("f9")
        assert "ana asks to let it run: checked" in screen.text
        assert "agree as the second person" in screen.text
        await screen.press("r", "enter")
        assert stopped(ledger) == []
        assert "RUNNING" in screen.lines[0]


async def test_a_typed_scope_is_stopped_and_a_wrong_one_is_refused(console, opened, ledger):
    async with opened(console()) as screen:
        await screen.press("f9", "s")
        await screen.type("nonsense")
        await screen.press("enter")
        assert "is no scope" in screen.text
        assert stopped(ledger) == []
        await screen.press("home", "shift+end", "delete")
        await screen.type("worker:triage")
        await screen.press("enter")
    assert stopped(ledger) == ["worker:triage"]


async def test_a_stop_by_somebody_else_shows_by_itself(console, opened, ledger):
    async with opened(console()) as screen:
        killswitch.stop(ledger, "all", operator=Operator(name="ben", role="lead"), reason="drill")
        screen.app.poll_now()
        await screen.idle()
        assert "■ STOPPED  all" in screen.lines[0]


async def test_states_are_told_without_colour(build, console, opened, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    build.request("INV-1", due=timedelta(minutes=-9))
    build.request("INV-2", due=timedelta(minutes=9), approvals=2)
    async with opened(console()) as screen:
        assert "−9m" in screen.text
        assert "!9m" in screen.text
        assert "Late" in screen.text
        assert "▲" in screen.text
        stop = next(one for one in screen.app.screen._compositor.render_strips()[0] if "F9 STOP" in one.text)
        assert stop.style.reverse or stop.style.bgcolor != stop.style.color


async def test_text_from_outside_cannot_drive_the_terminal(build, console, opened):
    build.request("INV-1", party="Evil\x1b[2J\u202eCo", note="a\x1b]52;c;Zm9v\x07b\u202ec")
    async with opened(console(), (120, 60)) as screen:
        assert "\x1b" not in screen.text
        assert "\u202e" not in screen.text
        assert "a·]52;c;Zm9v·b·c" in screen.text


async def test_the_kpi_page_shows_targets_and_the_cases_behind(build, console, opened):
    build.request("INV-1")
    guides = {"invoices": Guide(targets={"touchless_rate": 0.54})}
    async with opened(console(guides=guides)) as screen:
        await screen.press("2")
        assert "touchless rate" in screen.text
        assert "≥ 54.0 %" in screen.text
        assert "F9 STOP" in screen.lines[0]
        await screen.press("j", "enter")
        assert "1,284.50 EUR" in screen.text
        assert "INV-1" in screen.text
        await screen.press("o", "w", "1")
        assert "WHY A PERSON" in screen.text


async def test_what_arrives_while_another_tab_is_open_is_there_afterwards(build, console, opened):
    build.request("INV-5", due=timedelta(hours=5))
    async with opened(console()) as screen:
        await screen.press("2")
        build.request("INV-1", due=timedelta(minutes=5))
        screen.app.poll_now()
        await screen.idle()
        await screen.press("1")
        assert "▲ 1 new" in screen.text
        assert "2 waiting" in screen.lines[0]


async def test_an_empty_inbox_says_so_and_fills_by_itself(build, console, opened):
    async with opened(console()) as screen:
        assert "Nothing waits" in screen.text
        first = build.request("INV-1")
        screen.app.poll_now()
        await screen.idle()
        assert screen.painted == first.id


async def test_help_names_every_key_and_q_leaves(build, console, opened):
    build.request("INV-1")
    app = console()
    async with opened(app, (80, 24)) as screen:
        await screen.press("question_mark")
        assert "approve what is on screen" in screen.text
        await screen.press("j")
        assert "approve what is on screen" not in screen.text
        await screen.press("q")
    assert app.return_code == 0


async def test_the_cursor_never_skips_a_request(build, console, opened, ledger):
    made = [build.request(f"INV-{number:02}", due=timedelta(hours=number)) for number in range(1, 9)]
    seen = []
    async with opened(console()) as screen:
        for key in ("a", "j", "a", "a", "k", "a"):
            seen.append(screen.painted)
            await screen.press(key)
        inbox_list = screen.app.screen.query_one(VirtualList)
        left = list(inbox_list.ids())
    decided = [one.id for one in made if decisions(ledger, one.id)]
    assert seen == [made[0].id, made[1].id, made[2].id, made[3].id, made[4].id, made[1].id]
    assert decided == [made[0].id, made[1].id, made[2].id, made[3].id]
    assert left == [one.id for one in made[4:]]


async def test_only_what_was_on_screen_counts_as_shown(build, console, opened, ledger):
    first, second = build.request("INV-1"), build.request("INV-2")
    async with opened(console(), (120, 24)) as screen:
        whole = len(screen.app.inbox.pane._strips)
        await screen.press("a")
        await screen.press("space", "space", "space", "a")
    texts = []
    with ledger.reading() as session:
        for request in (first, second):
            (decision,) = decisions(ledger, request.id)
            texts.append(bodies.read(session, request.case_id, decision.shown))
    assert len(texts[0].splitlines()) < whole
    assert len(texts[1].splitlines()) > len(texts[0].splitlines())
    assert "HISTORY" in texts[1]


async def test_what_nobody_answers_is_marked(build, console, opened, ledger):
    first = build.request("INV-1")
    async with opened(console()) as screen:
        assert "nobody has answered" not in screen.text
    with ledger.transaction() as tx:
        assert inbox.climb(tx, first, 1)
        inbox.reassign(tx, first.id, role="operator", assigned_to="ben")
    async with opened(console()) as screen:
        assert "asked of ben, reminded; nobody has answered yet" in screen.text
        assert "!●" in screen.text
