"""Standing grants at the command line: given, signed, listed and revoked."""

from datetime import timedelta

import pytest

from shiftlead.console.cli_grant import state_of
from shiftlead.core.clock import SystemClock
from shiftlead.core.grants import Grant, GrantState


@pytest.fixture
def soon():
    return (SystemClock().now() + timedelta(days=30)).strftime("%Y-%m-%d")


def give(soon, *more, kind="invoice.post", rules=("R-002",), who="lea"):
    words = ["grant", "give", kind, "--party", "S-104", "--count", "10", "--until", soon, "--reason", "weekly", "--as", who]
    for rule in rules:
        words += ["--rule", rule]
    return (*words, *(more or ("--each", "500", "--total", "2000", "--currency", "EUR")))


def reviewing(told, run, kind):
    """A rule of the house policy that sends actions of `kind` to a person and asks for one approval."""
    lines = run("policy", "explain").stdout.splitlines()
    return next(line.split(",")[0] for line in lines if ", reviewed, " in line and kind in line)


def test_a_grant_from_giving_to_revoking(place, told, run, soon):
    rule = reviewing(told, run, "invoice.post")
    given = told(*give(soon, rules=(rule,)))
    assert given["given_by"] == "lea"
    assert list(given["rules"]) == [rule]
    (listed,) = told("grant", "list")
    assert listed["id"] == given["id"]
    assert "weekly" in run("grant", "list").stdout
    if given["state"] == "proposed":
        assert told("grant", "sign", given["id"], "--as", "ana")["state"] == "active"
    run("grant", "sign", given["id"], "--as", "ben", code=4)
    assert told("grant", "revoke", given["id"], "--reason", "enough", "--as", "ana")["state"] == "revoked"
    assert told("grant", "list") == []
    assert [one["state"] for one in told("grant", "list", "--all")] == ["revoked"]


def test_the_rules_are_taken_from_a_request(place, told, run, soon):
    asked = next(
        one
        for one in told("inbox", "list", "--limit", "100")
        if one["question"] == "approve" and one["action_kind"] == "ticket.route" and "R-031" in one["reason"]
    )
    words = give(soon, "--like", asked["id"], kind="ticket.route", rules=())
    assert list(told(*words)["rules"]) == ["R-031"]


@pytest.mark.parametrize(
    ("more", "kind", "rules", "code", "says"),
    [
        (("--each", "x", "--total", "2", "--currency", "EUR"), "invoice.post", ("R-002",), 2, "is not an amount"),
        (("--each", "NaN", "--total", "NaN", "--currency", "EUR"), "invoice.post", ("R-002",), 2, "is not an amount"),
        (("--each", "1", "--total", "Infinity", "--currency", "EUR"), "invoice.post", ("R-002",), 2, "is not an amount"),
        (("--each", "500"), "invoice.post", ("R-002",), 2, "is capped"),
        ((), "invoice.post", (), 2, "names the rules"),
        ((), "invoice.post", ("missing-fact",), 2, "cannot be lifted"),
        ((), "invoice.pots", ("R-002",), 2, "knows no action"),
        (("--like", "req_nothing"), "invoice.post", (), 3, "No request"),
    ],
)
def test_what_is_refused(place, run, told, soon, more, kind, rules, code, says):
    assert says in run(*give(soon, *more, kind=kind, rules=rules), code=code).stderr
    assert told("grant", "list", "--all") == []


def test_an_unknown_grant(place, run):
    assert "no grant" in run("grant", "sign", "gr_nothing", "--as", "ana", code=3).stderr


def test_a_grant_that_is_used_up_says_so():
    now = SystemClock().now()
    grant = Grant(
        id="gr_1",
        kind="invoice.post",
        party="S-104",
        rules={"R-002": "0"},
        count=2,
        reason="rent",
        given_by="ana",
        created_at=now,
        expires_at=now + timedelta(days=1),
        state=GrantState.ACTIVE,
        used=1,
    )
    assert state_of(grant, now) == "active"
    assert state_of(grant.model_copy(update={"used": 2}), now) == "used up"
    assert state_of(grant, now + timedelta(days=1)) == "ended"
