"""When and where a debtor may be contacted: zones, quiet days, the next moment, and who the debtor is."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shiftlead.agents.account import Account
from shiftlead.agents.collections_settings import CollectionsSettings
from shiftlead.agents.contact_rules import contact_facts, contact_state, next_moment, not_now
from shiftlead.agents.debtor_facts import debtor_facts, recipient_facts
from shiftlead.agents.debtor_zones import candidate_zones
from shiftlead.agents.playbook import shipped_playbook
from shiftlead.agents.quiet_days import easter_sunday, is_quiet
from shiftlead.connectors.records import Activity, Contact, Customer

SETTINGS = CollectionsSettings.of(shipped_playbook("collections"))
NOW = datetime(2026, 9, 15, 9, 0, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


def customer(**more: Any) -> Customer:
    return Customer(**{"id": "C-1", "name": "Brandt AG", "timezone": "Europe/Berlin"} | more)


def facts(now: datetime = NOW, activities: tuple[Activity, ...] = (), **more: Any) -> Mapping[str, Any]:
    account = Account(customer=customer(**more), activities=activities)
    return contact_facts(account, contact_state(account, now, SETTINGS))


def waits(now: datetime, **more: Any) -> str:
    return not_now(contact_state(Account(customer=customer(**more)), now, SETTINGS), SETTINGS)


def again(now: datetime, **more: Any) -> datetime:
    return next_moment(contact_state(Account(customer=customer(**more)), now, SETTINGS), SETTINGS, now)


# --- zones --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "certain"),
    [
        ({}, True),
        ({"country": "DE"}, True),
        ({"country": "AT"}, True),
        ({"country": "US"}, False),
        ({"timezone": "US/Eastern", "country": "US"}, True),
        ({"country": "Germany"}, True),
        ({"country": "DE", "phone": "+49 30 23125 100"}, True),
        ({"timezone": "America/New_York", "country": "US", "phone": "+1 212 736 5000"}, True),
        ({"timezone": "America/New_York", "country": "US", "phone": "+1 415 392 0202"}, False),
        ({"phone": "12345"}, True),
        ({"timezone": "Nowhere/Land", "country": "DE"}, False),
        ({"timezone": "UTC", "country": "DE"}, False),
    ],
)
def test_the_hour_is_told_only_where_nothing_contradicts_the_zone(who: dict, certain: bool) -> None:
    assert ("local_hour" in facts(**who)) is certain


def test_an_unknown_zone_leaves_every_zone_of_the_country() -> None:
    told = facts(timezone="Nowhere/Land", country="US")
    # 9:00 UTC is 23:00 of the day before in Honolulu and Adak's 0:00, and 5:00 in New York.
    assert (told["local_hour_earliest"], told["local_hour_latest"]) == (0, 23)
    assert {"America/New_York", "Pacific/Honolulu"} <= set(candidate_zones(customer(timezone="", country="US"), NOW))
    assert not {"local_hour", "local_hour_earliest", "quiet_day"} & facts(timezone="Nowhere/Land").keys()


@pytest.mark.parametrize(
    ("hour", "told"),
    [(13, "may be; contact is allowed"), (17, "may be; contact is allowed"), (18, ""), (23, ""), (1, "may be")],
)
def test_an_hour_must_suit_all_zones_that_are_possible(hour: int, told: str) -> None:
    """From Honolulu's 8:00 to New York's 21:00 in summer: 18:00 to 1:00 UTC."""
    found = waits(NOW.replace(hour=hour), timezone="Nowhere/Land", country="US")
    assert found == told if not told else told in found


def test_a_number_and_an_address_that_disagree_count_both() -> None:
    san_francisco = {"timezone": "America/New_York", "country": "US", "phone": "+1 415 392 0202"}
    assert "It is 0" in waits(datetime(2026, 9, 15, 13, 0, tzinfo=UTC), **san_francisco)
    assert waits(datetime(2026, 9, 15, 19, 0, tzinfo=UTC), **san_francisco) == ""


# --- the next moment ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        pytest.param("2026-10-23 22:00", "2026-10-26 08:00", id="clocks go back over the weekend"),
        pytest.param("2026-03-27 22:30", "2026-03-30 08:00", id="clocks go forward over the weekend"),
        pytest.param("2026-09-15 05:10", "2026-09-15 08:00", id="the same morning"),
        pytest.param("2026-09-15 11:20", "2026-09-16 11:20", id="the same hour a day later"),
        pytest.param("2026-12-24 22:00", "2026-12-28 08:00", id="Christmas on a Friday and Saturday"),
        pytest.param("2026-04-02 21:00", "2026-04-07 08:00", id="Good Friday to Easter Monday"),
    ],
)
def test_the_next_moment_is_by_the_customers_own_clock(now: str, expected: str) -> None:
    local = datetime.fromisoformat(now).replace(tzinfo=BERLIN)
    found = again(local.astimezone(UTC)).astimezone(BERLIN)
    assert f"{found:%Y-%m-%d %H:%M}" == expected


@given(
    st.integers(0, 730 * 24 * 60).map(lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)),
    st.sampled_from(("Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Auckland", "Nowhere/Land")),
    st.sampled_from(("", "US", "AU")),
)
def test_the_next_moment_lies_ahead_and_is_one(now: datetime, timezone: str, country: str) -> None:
    who = {"timezone": timezone, "country": country}
    found = again(now, **who)
    assert now < found <= now + timedelta(days=14)
    if found != now + timedelta(days=1):
        assert waits(found, **who) == ""


def test_zones_without_a_common_hour_are_looked_at_a_day_later() -> None:
    """When Honolulu may be called, Kolkata sleeps."""
    assert again(NOW, timezone="Asia/Kolkata", country="US") == NOW + timedelta(days=1)
    assert again(NOW, timezone="Nowhere/Land") == NOW + timedelta(days=1)


# --- quiet days ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("year", "day"), [(1961, "04-02"), (2000, "04-23"), (2024, "03-31"), (2025, "04-20"), (2026, "04-05"), (2038, "04-25")]
)
def test_easter(year: int, day: str) -> None:
    assert f"{easter_sunday(year):%m-%d}" == day


def test_quiet_days() -> None:
    assert is_quiet(date(2026, 4, 3), (), (-2,))
    assert not is_quiet(date(2026, 4, 3), (), ())
    assert is_quiet(date(2026, 12, 25), ("12-25",), ())
    assert is_quiet(date(2026, 9, 13), (), ())
    assert not is_quiet(date(2026, 9, 14), ("12-25",), (-2, 1))


def test_a_holiday_is_told_and_is_a_fact() -> None:
    christmas = datetime(2026, 12, 25, 10, 0, tzinfo=UTC)
    assert waits(christmas) == "It is a holiday (25 December) where the customer is; contact waits for a working day."
    assert facts(christmas)["quiet_day"] is True
    assert facts()["quiet_day"] is False


# --- who and how often --------------------------------------------------------------------------------------------------


def called(hours_ago: float, **extra: Any) -> Activity:
    return Activity(id=f"A-{hours_ago}", party_id="C-1", type="call", at=NOW - timedelta(hours=hours_ago), extra=extra)


def test_a_call_may_have_been_a_conversation_unless_the_record_says_otherwise() -> None:
    told = facts(activities=(called(10), called(30, conversation=False), called(50, conversation=True), called(200)))
    assert (told["calls_last_7_days"], told["conversations_last_7_days"], told["contacts_last_7_days"]) == (3, 2, 3)


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        ({"name": "Brandt AG"}, {"consumer": False, "sole_trader": False}),
        ({"name": "Kaya Foods sp. z o.o."}, {"consumer": False, "sole_trader": False}),
        ({"name": "Kaya & Co. Ltd."}, {"consumer": False, "sole_trader": False}),
        ({"name": "Talleres Kaya S.A."}, {"consumer": False, "sole_trader": False}),
        ({"name": "Maria Sa"}, {}),
        ({"name": "MARIA SA"}, {}),
        ({"name": "maria sa"}, {}),
        ({"name": "Kaya gmbh"}, {"consumer": False, "sole_trader": False}),
        ({"name": "Ida Kern", "segment": "consumer"}, {"consumer": True, "sole_trader": False}),
        ({"name": "Ida Kern", "segment": "small"}, {"consumer": False}),
        ({"name": "Ida Kern"}, {}),
        ({"name": "Ida Kern", "extra": {"legal_form": "Sole trader"}}, {"consumer": False, "sole_trader": True}),
        ({"name": "Ida Kern", "extra": {"sole_trader": True}, "segment": "small"}, {"consumer": False, "sole_trader": True}),
        ({"country": "DE"}, {"country": "DE", "region": ""}),
        ({"country": "uk"}, {"country": "GB", "region": ""}),
        ({"country": "US"}, {"country": "US"}),
        ({"country": "US", "extra": {"state": "CA"}}, {"country": "US", "region": "US-CA"}),
        ({"country": "US", "extra": {"state": "NY"}}, {"country": "US"}),
        ({"country": "US", "extra": {"state": "NY", "region": "us-nyc"}}, {"country": "US", "region": "US-NYC"}),
        ({"country": "US", "extra": {"state": "NJ", "region": "New York City"}}, {"country": "US"}),
        ({"country": "US", "extra": {"region": "US-NY"}}, {"country": "US"}),
        ({"country": "US", "extra": {"region": "NYC"}}, {"country": "US"}),
        ({"country": "DE", "extra": {"region": "Bavaria"}}, {"country": "DE", "region": ""}),
        ({"country": "Germany"}, {}),
        ({"extra": {"written_consent": False}}, {"written_consent": False}),
        ({"extra": {"validation_notice_sent": "yes"}}, {"validation_notice_sent": True}),
        ({"extra": {"validation_notice_sent": "perhaps"}}, {}),
        ({"extra": {"written_consent": "0"}}, {"written_consent": False}),
    ],
)
def test_whom_the_law_sees_is_never_guessed(who: dict, expected: dict) -> None:
    told = debtor_facts(customer(**who), ())
    names = {"country", "region", "written_consent", "validation_notice_sent"} | (
        {"consumer", "sole_trader"} if "name" in who else set()
    )
    assert {name: told[name] for name in names & told.keys()} == expected


@pytest.mark.parametrize(
    ("value", "marked"),
    [(True, True), ("since 2024-02-01", True), (1, True), (False, False), ("no", False), ("", False), (None, False)],
)
def test_any_word_but_no_sets_a_mark(value: object, marked: bool) -> None:
    who = customer(extra={"complaint_open": value, "deceased": value})
    assert debtor_facts(who, ())["complaint_open"] is marked
    assert (contact_state(Account(customer=who), NOW, SETTINGS).stop_flag == "deceased") is marked


def test_a_text_message_that_says_stop_stops() -> None:
    stop = Activity(id="A", party_id="C-1", type="sms_in", at=NOW - timedelta(days=90), body="stop")
    assert facts(activities=(stop,))["opted_out"] is True
    assert facts(activities=(stop.model_copy(update={"type": "sms"}),))["opted_out"] is False


def test_a_guarantor_among_the_contacts_is_told() -> None:
    people = [Contact(id="P", party_id="C-1", name="Ida Kern", role="Personal Guarantor")]
    assert debtor_facts(customer(), people)["guarantor"] is True
    assert debtor_facts(customer(), ())["guarantor"] is False


@pytest.mark.parametrize(
    ("address", "third", "work"),
    [
        ("office@brandt.example", False, False),
        ("ap@brandt.example", False, True),
        ("someone@else.example", True, False),
        ("office@brandt.example, boss@else.example", True, False),
    ],
)
def test_only_addresses_on_file_are_the_debtors_own(address: str, third: bool, work: bool) -> None:
    person = Contact(id="P", party_id="C-1", name="X", email="ap@brandt.example", role="billing")
    account = Account(customer=customer(email="office@brandt.example"), contacts=(person,))
    record = person if work else account.customer
    assert recipient_facts(address, record, account) == {"third_party_recipient": third, "work_mailbox": work}
