"""Limits: in which scopes an action counts, and what its facts say."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shiftlead.core.action import Action, Target
from shiftlead.core.errors import PolicyError
from shiftlead.core.exposure import Spent
from shiftlead.core.money import Money
from shiftlead.guardrails.limits import GAUGES, Gauge, Per, Within, scopes, spent_facts, worth
from shiftlead.guardrails.policy import parse_policy

NOW = datetime(2026, 9, 15, 9, 0, tzinfo=UTC)
RATES = {"EUR": Decimal(1), "USD": Decimal("1.10"), "GBP": Decimal("0.86")}
IBAN = "DE02120300000000202051"


def post(amount="100.50", currency="EUR", kind="invoice.post", party="S-1", **arguments):
    money = Money.of(amount, currency) if amount else None
    return Action(
        kind=kind, target=Target(system="erp", kind="invoice", id="I-1"), party=party, arguments=arguments, amount=money
    )


def spent(action, *before, worker="w"):
    """What the scopes of `action` hold with it, after `before`, each counted where it is alike."""
    found = {scope: Spent() for scope in scopes(worker, action)}
    for one in (*before, action):
        own = set(scopes(worker, one))
        found = {scope: have.plus(one.kind, one.amount, NOW) if scope in own else have for scope, have in found.items()}
    return found


def facts(action, *before, gauges=GAUGES, rates=RATES, worker="w"):
    return spent_facts(gauges, spent(action, *before, worker=worker), action, NOW, rates)


def accounts(**arguments):
    return [scope for scope in scopes("w", post(**arguments)) if scope.startswith("account:")]


def test_an_action_counts_in_every_scope_that_it_is_in():
    found = scopes("invoices", post(iban=IBAN))
    assert [scope for scope in found if not scope.startswith("account:")] == [
        "party:S-1",
        "worker:invoices",
        "connector:erp",
        "action:invoice.post",
        "all",
    ]
    assert len(accounts(iban=IBAN)) == 1


def test_an_account_is_named_by_a_digest():
    (scope,) = accounts(iban=IBAN)
    assert IBAN[-6:] not in scope


@pytest.mark.parametrize(
    "written",
    [
        "DE02 1203 0000 0000 2020 51",
        "de02-1203-0000-0000-2020-51",
        "DE02\u200b120300000000202051",
        "\uff24\uff2502120300000000202051",
        "DE02 ١٢٠٣ 0000 0000 2020 51",
        "DE02\u00a01203.0000/0000 2020 51",
    ],
)
def test_one_account_is_one_scope_however_it_is_written(written):
    assert accounts(iban=written) == accounts(iban=IBAN) == accounts(account=written)


def test_another_account_is_another_scope():
    assert accounts(iban=IBAN) != accounts(iban="DE89370400440532013000")
    assert len(accounts(iban=[IBAN, "DE89370400440532013000"])) == 2


@pytest.mark.parametrize("nothing", ["", " - ", None, 17, []])
def test_without_an_account_its_facts_are_missing(nothing):
    assert accounts(iban=nothing) == []
    assert facts(post(iban=nothing))["exposure_account_24h"] is None
    assert facts(post(iban=nothing))["actions_account_24h"] is None


def test_without_a_party_or_a_worker_their_facts_are_missing():
    found = facts(post(party=""), worker="")
    assert {found[f"exposure_{who}_24h"] for who in ("party", "worker")} == {None}
    assert {found[f"actions_{who}_24h"] for who in ("party", "worker")} == {None}


def test_money_is_added_up_over_all_kinds_and_a_count_is_of_one():
    before = (post("900.00"), post("33.00", kind="invoice.short_pay"), post(None, kind="invoice.hold"))
    found = facts(post("100.50"), *before)
    assert found["exposure_party_24h"] == Money.of("1033.50", "EUR")
    assert found["actions_party_24h"] == 2


def test_a_connector_and_all_count_every_kind():
    gauges = [Gauge(per=per, within=Within.MINUTE, money=False) for per in (Per.CONNECTOR, Per.ALL, Per.ACTION)]
    found = facts(post(), post(kind="invoice.hold"), post(kind="invoice.hold"), gauges=gauges)
    assert found == {"actions_connector_1m": 3, "actions_all_1m": 3, "actions_action_1m": 1}


def test_three_supplier_records_with_one_account_are_one_payee():
    before = [post("400.00", party=party, iban=IBAN) for party in ("S-2", "S-3")]
    found = facts(post("100.00", iban="DE02 1203 0000 0000 2020 51"), *before)
    assert found["exposure_account_24h"] == Money.of("900.00", "EUR")
    assert found["exposure_party_24h"] == Money.of("100.00", "EUR")


def test_several_currencies_are_one_sum_in_that_of_the_action():
    before = (post("110.00", "USD"), post("86.00", "GBP"))
    assert facts(post("100.00"), *before)["exposure_party_24h"] == Money.of("300.00", "EUR")
    assert facts(post("100.00"), *before[:1])["exposure_party_24h"] == Money.of("200.00", "EUR")
    assert facts(post("110.00", "USD"), post("100.00"))["exposure_party_24h"] == Money.of("220.00", "USD")


@pytest.mark.parametrize(
    ("action", "before", "rates"),
    [
        (post("1.00"), post("1.00", "JPY"), RATES),  # a currency in the window without a rate
        (post("1.00", "JPY"), post("1.00"), RATES),  # the action's own has none
        (post("1.00"), post("1.00", "USD"), {}),  # a policy without rates
    ],
)
def test_without_a_rate_the_sum_is_missing(action, before, rates):
    found = facts(action, before, rates=rates)
    assert found["exposure_party_24h"] is None
    assert found["actions_party_24h"] == 2


def test_a_sum_beyond_all_reckoning_is_missing():
    found = facts(post("1.00"), post("9" * 40, "USD"))
    assert found["exposure_party_24h"] is None


def test_one_currency_alone_needs_no_rate():
    assert facts(post("1.00", "JPY"), post("2.00", "JPY"), rates={})["exposure_party_24h"] == Money.of("3.00", "JPY")


def test_an_action_without_an_amount_has_no_exposure_and_a_count():
    found = facts(post(None))
    assert (found["exposure_party_24h"], found["actions_party_24h"]) == (None, 1)


def test_what_is_outside_the_window_does_not_count():
    have = {"all": Spent().plus("invoice.post", Money.of("5.00", "EUR"), NOW - timedelta(hours=3))}
    have = {scope: one.plus("invoice.post", Money.of("1.00", "EUR"), NOW) for scope, one in have.items()}
    gauges = [Gauge(per=Per.ALL, within=within, money=True) for within in Within]
    found = spent_facts(gauges, have, post("1.00"), NOW, {})
    assert {name: money.amount for name, money in found.items()} == {
        "exposure_all_1m": 1,
        "exposure_all_10m": 1,
        "exposure_all_1h": 1,
        "exposure_all_8h": 6,
        "exposure_all_24h": 6,
    }


def test_a_party_cannot_pose_as_another_scope():
    names = scopes("", post(party="S-1|x:worker"))
    assert names[0] == "party:S-1|x:worker"
    assert [scope.partition(":")[0] for scope in names] == ["party", "connector", "action", "all"]


money = st.dictionaries(st.sampled_from(sorted(RATES)), st.decimals("0", "1e9", places=2), max_size=3)


@given(money, st.sampled_from(sorted(RATES)))
def test_converting_never_makes_it_less(amounts, currency):
    exact = sum((amount * RATES[currency] / RATES[code] for code, amount in amounts.items()), Decimal(0))
    found = worth(amounts, currency, RATES)
    assert exact - Decimal("1e-9") <= found <= exact + Decimal("0.03")


@given(money, st.decimals("0", "1e6", places=2), st.sampled_from(sorted(RATES)), st.sampled_from(sorted(RATES)))
def test_more_money_is_never_worth_less(amounts, more, code, currency):
    grown = {**amounts, code: amounts.get(code, Decimal(0)) + more}
    assert worth(grown, currency, RATES) >= worth(amounts, currency, RATES)


HEAD = "name: n\nversion: 1\nowner: o\nactions: {invoice.post: {}}\n"
CHECKED = "rates_checked_on: 2026-09-01\n"


def policy(text):
    return parse_policy(HEAD + text, origin="test.yaml")


def limit(**fields):
    given = {"id": "L-1", "actions": "'*'", "per": "party", "count": 1, "reason": "r", "owner": "o", "source": "s", **fields}
    return f"limits: [{{{', '.join(f'{name}: {value}' for name, value in given.items())}}}]\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (limit(per="day"), "limit 'L-1': per: 'day' is not known. Known are: account, action, all, connector, party, worker."),
        (limit(per="conector"), "per: 'conector' is not known. Did you mean 'connector'?"),
        (limit(within="1d"), "within: '1d' is not known. Known are: 10m, 1h, 1m, 24h, 8h."),
        (limit(within=24), "within: 24 is not known. Did you mean '24h'"),
        (limit(count=-1), "count: input should be greater than or equal to 0"),
        ("rates: {EUR: 1, USD: 0}\n" + CHECKED, "rates: USD: 0 is no rate of a currency"),
        ("rates: {eur: 1}\n" + CHECKED, "rates: eur: 1 is no rate of a currency"),
        ("rates: {EUR: true}\n" + CHECKED, "rates: EUR: True is no rate of a currency"),
        ("rates: {EUR: one}\n" + CHECKED, "rates: EUR: 'one' is no rate of a currency"),
        ("rates: {EUR: 1}\n", "rates: it does not say when they were checked. Add `rates_checked_on"),
        ("rates: {EUR: 1}\nrates_checked_on: lately\n", "rates_checked_on: input should be a valid date"),
        ("facts: {actions_all_1m: {type: integer, meaning: mine}}\n", "the name is taken"),
        (
            "rules: [{id: R-1, lane: reviewed, actions: '*', when: {actions_conector_1m: {above: 5}}, reason: r, owner: o, source: s}]\n",
            "'actions_conector_1m' is not a declared fact. Did you mean 'actions_connector_1m'",
        ),
    ],
)
def test_a_mistake_in_a_limit_or_a_rate_is_refused_when_it_is_loaded(text, said):
    with pytest.raises(PolicyError) as caught:
        policy(text)
    assert said in f"{caught.value.message} {caught.value.hint}"


def test_a_rule_may_look_at_what_is_counted_without_any_limit():
    rule = "rules: [{id: R-1, lane: reviewed, actions: '*', when: {actions_connector_1m: {above: 5}}, reason: r, owner: o, source: s}]\n"
    assert [gauge.fact.name for gauge in policy(rule).gauges] == ["actions_connector_1m"]
    assert policy("").gauges == ()


def test_money_and_a_count_are_two_rules():
    found = policy(limit(within="8h", per="all", amount="{EUR: 900}", count=3))
    assert [(rule.id, rule.when.field, rule.when.value) for rule in found.every_rule] == [
        ("L-1", "exposure_all_8h", {"EUR": Decimal(900)}),
        ("L-1n", "actions_all_8h", 3),
    ]


def test_rates_are_part_of_what_the_digest_is_taken_over():
    first, second = (policy(f"rates: {{EUR: 1, USD: {usd}}}\n{CHECKED}") for usd in ("1.10", "1.20"))
    assert first.digest() != second.digest()
    assert first.rates == {"EUR": Decimal(1), "USD": Decimal("1.10")}
