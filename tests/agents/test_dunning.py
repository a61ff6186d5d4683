from datetime import date
from decimal import Decimal

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from shiftlead.agents import dunning_templates
from shiftlead.agents.collections_settings import CollectionsSettings
from shiftlead.agents.dunning import Draft, amounts_match_records, draft, instalments
from shiftlead.agents.dunning_templates import parse_templates, shipped_templates
from shiftlead.agents.playbook import shipped_playbook
from shiftlead.agents.wording import LANGUAGES, amount_text, amounts_in, date_text, dates_in
from shiftlead.connectors.records import Receivable
from shiftlead.core.errors import BadInput, SettingsError
from shiftlead.core.money import Money
from shiftlead.core.settings import House

HOUSE = House(name="Northwind 24 Ltd", email="ar7@northwind.example", phone="+44 20 7946 0115")
PAY_BY = date(2026, 9, 22)
DEMANDS = ("reminder_friendly", "reminder_firm", "final_notice")


def owed(number: str, amount: str, due: date = date(2026, 8, 1), currency: str = "EUR", **more: object) -> Receivable:
    return Receivable(
        id=f"R-{number}", customer_id="C-1", invoice_number=number, issue_date=date(2026, 7, 1), due_date=due,
        amount=Decimal(amount), open_amount=Decimal(amount), currency=currency, **more,
    )  # fmt: skip


TWO = [owed("INV-1", "1234.50"), owed("INV-10", "100.00", date(2026, 8, 14))]


def written(template: str, receivables: list[Receivable], language: str = "en", name: str = "Studio 54 GmbH") -> Draft:
    total = Money(amount=sum((one.open_amount for one in receivables), Decimal(0)), currency=receivables[0].currency)
    plan = instalments(total, 3, date(2026, 10, 31)) if template == "plan_offer" else ()
    pay_by = PAY_BY if template in DEMANDS else None
    return draft(template, receivables, name=name, language=language, house=HOUSE, pay_by=pay_by, plan=plan)


def edited(message: Draft, old: str, new: str) -> Draft:
    assert old in message.body
    return message.model_copy(update={"body": message.body.replace(old, new, 1)})


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("template", sorted(shipped_templates().templates))
def test_every_template_fills_reads_back_and_carries_its_disclosures(template: str, language: str) -> None:
    message = written(template, TWO, language)
    assert amounts_match_records(message, TWO)
    assert HOUSE.phone in message.body
    assert {"en": "reply with STOP", "de": "antworten Sie mit STOPP", "fr": "répondez STOP"}[language] in message.body
    assert "{" not in message.subject + message.body
    assert not any(
        threat in message.body.lower() for threat in ("court", "lawsuit", "credit bureau", "gericht", "schufa", "tribunal")
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("1,234.50", "1,243.50", id="amount of an invoice"),
        pytest.param("1,334.50", "1,434.50", id="total"),
        pytest.param("EUR", "USD", id="currency"),
        pytest.param("14 August 2026", "13 August 2026", id="due date"),
        pytest.param("22 September 2026", "12 September 2026", id="day to pay by"),
        pytest.param("22 September 2026", "31 September 2026", id="no such day"),
        pytest.param("INV-10", "INV-11", id="invoice number"),
        pytest.param("Kind regards", "INV-99 is open too.", id="an invoice of somebody else"),
        pytest.param("Kind regards", "A fee of 40 applies.", id="a bare figure"),
        pytest.param("Kind regards", "A fee of €40 applies.", id="a currency sign"),
        pytest.param("Kind regards", "Plus 40.00\u00a0EUR for our trouble.", id="a fee"),
        pytest.param("Kind regards", "Pay to DE89 3704 0044 0532 0130 00.", id="an account"),
        pytest.param("Kind regards", "Pay ５００ now.", id="full-width digits"),
        pytest.param("  INV-10: 100.00\u00a0EUR, due 14 August 2026\n", "", id="an invoice left out"),
    ],
)
def test_an_edited_figure_is_noticed(old: str, new: str) -> None:
    assert not amounts_match_records(edited(written("reminder_friendly", TWO), old, new), TWO)


def test_a_demand_must_name_the_total() -> None:
    message = edited(written("reminder_friendly", TWO), "that is 1,334.50\u00a0EUR", "they are open")
    assert amounts_match_records(message, TWO), "the subject still names it"
    assert not amounts_match_records(message.model_copy(update={"subject": "A reminder"}), TWO)


def test_amounts_swapped_between_invoices_are_noticed() -> None:
    message = written("reminder_friendly", TWO)
    swapped = message.body.replace("1,234.50", "#").replace(" 100.00", " 1,234.50").replace("#", "100.00")
    assert not amounts_match_records(message.model_copy(update={"body": swapped}), TWO)


def test_the_record_that_moved_after_writing_is_noticed() -> None:
    message = written("reminder_firm", TWO)
    paid_in_part = [TWO[0].model_copy(update={"open_amount": Decimal("34.50")}), TWO[1]]
    assert not amounts_match_records(message, paid_in_part)
    assert not amounts_match_records(message, TWO[:1])
    assert not amounts_match_records(message, [])


def test_an_edit_of_words_alone_still_matches() -> None:
    assert amounts_match_records(edited(written("reminder_friendly", TWO), "Kind regards", "With thanks"), TWO)


def test_a_name_that_reads_as_an_amount_hides_nothing() -> None:
    assert not amounts_match_records(written("reminder_friendly", TWO, name="Pay 500.00\u00a0EUR Ltd"), TWO)
    assert not amounts_match_records(written("reminder_friendly", TWO, name="12"), TWO)


@given(
    amounts=st.lists(st.decimals("0.01", "99999999", places=2), min_size=1, max_size=8),
    language=st.sampled_from((*LANGUAGES, "ja", "")),
    template=st.sampled_from((*DEMANDS, "plan_offer")),
    currency=st.sampled_from(("EUR", "GBP", "CHF")),
    day=st.dates(date(2020, 1, 1), date(2030, 12, 31)),
)
def test_what_is_written_reads_back(amounts: list[Decimal], language: str, template: str, currency: str, day: date) -> None:
    receivables = [owed(f"2026/{n:04}", str(amount), day, currency) for n, amount in enumerate(amounts)]
    assert amounts_match_records(written(template, receivables, language), receivables)


@given(st.decimals("0", "999999999.99", places=2), st.sampled_from(LANGUAGES), st.dates())
def test_wording_round_trips(amount: Decimal, language: str, day: date) -> None:
    assert amounts_in(f"so {amount_text(amount, 'EUR', language)}.", language) == [(amount, "EUR")]
    if day.year >= 1000:
        assert dates_in(f"by {date_text(day, language)}, please", language) == [day]


@given(st.decimals("3.00", "1000000", places=2), st.integers(2, 24), st.dates(date(2024, 1, 1), date(2028, 12, 31)))
def test_instalments_add_up_month_by_month(amount: Decimal, count: int, first: date) -> None:
    parts = instalments(Money(amount=amount, currency="EUR"), count, first)
    assert sum(part.amount for part in parts) == amount
    assert [(part.due.year * 12 + part.due.month) - (first.year * 12 + first.month) for part in parts] == list(range(count))
    assert max(part.amount for part in parts) - min(part.amount for part in parts) < Decimal("0.01") * count


def test_one_message_one_currency() -> None:
    with pytest.raises(BadInput, match="needs one currency; found EUR, USD"):
        draft(
            "reminder_firm",
            [TWO[0], owed("INV-3", "5.00", currency="USD")],
            name="A",
            language="en",
            house=HOUSE,
            pay_by=PAY_BY,
        )


def test_a_slot_without_a_record_is_refused() -> None:
    with pytest.raises(BadInput, match="'reminder_firm' needs 'pay_by'"):
        draft("reminder_firm", TWO, name="A", language="en", house=HOUSE)
    with pytest.raises(BadInput, match="No approved template 'reminder_rude'"):
        draft("reminder_rude", TWO, name="A", language="en", house=HOUSE)


def shipped_yaml() -> dict:
    return yaml.safe_load(
        dunning_templates.files("shiftlead.agents").joinpath("dunning_templates.yaml").read_text(encoding="utf-8")
    )


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("{pay_by}", "{pay_before}", r"t.yaml: reminder_firm.de: the slot {pay_before} is unknown"),
        ("{total}", "{total.__class__}", r"t.yaml: reminder_firm.de: the slot {total.__class__} is unknown"),
        ("{total}", "{total:>9}", r"t.yaml: reminder_firm.de: the slot {total} is unknown"),
        ("{opt_out}", "", r"t.yaml: reminder_firm.de: the required disclosure {opt_out} is missing"),
        ("{contact}", "", r"t.yaml: reminder_firm.de: the required disclosure {contact} is missing"),
        ("{dispute}", "", r"t.yaml: reminder_firm.de: the required disclosure {dispute} is missing"),
        ("{invoices}", "", r"t.yaml: reminder_firm.de: the slot {invoices} is missing"),
        ("Guten Tag", "Frist 7 Tage", r"t.yaml: reminder_firm.de: a figure stands in the text"),
        ("{total}", "{total", r"t.yaml: reminder_firm.de: "),
    ],
)
def test_a_template_that_must_not_be_used_is_named_with_its_slot(old: str, new: str, told: str) -> None:
    raw = shipped_yaml()
    text = raw["templates"]["reminder_firm"]["texts"]["de"]
    text["body"] = text["body"].replace(old, new)
    with pytest.raises(SettingsError, match=told):
        parse_templates(yaml.safe_dump(raw, allow_unicode=True), origin="t.yaml")


def test_a_missing_language_tone_or_sentence_is_named() -> None:
    raw = shipped_yaml()
    del raw["templates"]["final_notice"]["texts"]["fr"]
    with pytest.raises(SettingsError, match=r"t.yaml: final_notice.fr is missing"):
        parse_templates(yaml.safe_dump(raw), origin="t.yaml")
    raw = shipped_yaml()
    raw["templates"]["final_notice"]["tone"] = "rude"
    with pytest.raises(SettingsError, match="final_notice: tone 'rude' is unknown"):
        parse_templates(yaml.safe_dump(raw), origin="t.yaml")
    raw = shipped_yaml()
    del raw["disclosures"]["opt_out"]["de"]
    with pytest.raises(SettingsError, match=r"disclosures\.opt_out: de is missing"):
        parse_templates(yaml.safe_dump(raw), origin="t.yaml")


def test_what_is_no_yaml_is_named() -> None:
    with pytest.raises(SettingsError, match=r"t.yaml, line 2: it is not YAML"):
        parse_templates("templates: [\n", origin="t.yaml")
    with pytest.raises(SettingsError, match="`templates` is missing"):
        parse_templates("version: 1", origin="t.yaml")


def test_every_rung_of_the_ladder_has_its_template() -> None:
    for rung in CollectionsSettings.of(shipped_playbook("collections")).ladder:
        assert shipped_templates().template(rung.template).operation == "reminder.send"
