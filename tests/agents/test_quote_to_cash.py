"""A customer's invoice against order and quote, and what each departure is called."""

from datetime import date
from decimal import Decimal

import pytest

from shiftlead.agents.invoice_settings import InvoiceSettings
from shiftlead.agents.playbook import shipped_playbook
from shiftlead.agents.quote_to_cash import SALES_LABELS, compare
from shiftlead.connectors.records import Invoice, InvoiceKind, InvoiceLine, OrderLine, Quote, SalesOrder

D = Decimal

SETTINGS = InvoiceSettings.of(shipped_playbook("invoices"))
LIST = (
    OrderLine(line=1, sku="A", quantity=D(10), price=D("19.99"), tax_rate=D(19)),
    OrderLine(line=2, sku="B", quantity=D(2), price=D(150), tax_rate=D(19)),
)


def quote(**values):
    base = {
        "id": "Q-1",
        "customer_id": "C-1",
        "date": date(2026, 7, 1),
        "valid_until": date(2026, 8, 1),
        "currency": "EUR",
        "lines": LIST,
    }
    return Quote(**{**base, **values})


def order(**values):
    base = {"id": "SO-1", "customer_id": "C-1", "quote_id": "Q-1", "date": date(2026, 7, 10), "currency": "EUR", "lines": LIST}
    return SalesOrder(**{**base, **values})


def invoice(prices=("19.99", "150"), quantities=("10", "2"), **values):
    lines = tuple(
        InvoiceLine(line=n, sku=sku, quantity=D(q), price=D(p), tax_rate=D(19), net=round(D(q) * D(p), 2))
        for n, sku, q, p in zip((1, 2), ("A", "B"), quantities, prices, strict=True)
    )
    net = sum(line.net for line in lines)
    tax = round(net * D("0.19"), 2)
    base = {
        "id": "AR-1",
        "number": "SI-1",
        "direction": InvoiceKind.CUSTOMER,
        "party_id": "C-1",
        "order_id": "SO-1",
        "issue_date": date(2026, 7, 20),
        "due_date": date(2026, 8, 19),
        "currency": "EUR",
        "net": net,
        "tax": tax,
        "gross": net + tax,
        "payable": net + tax,
        "lines": lines,
    }
    return Invoice(**{**base, **values})


LESS_8 = {"discount_percent": D(8)}
LESS_20 = {"discount_percent": D(20)}

TABLE = [
    # everything agrees
    (invoice(), order(), quote(), ()),
    # an order without a quote
    (invoice(), order(quote_id=""), None, ()),
    # a discount below the limit comes off, rounded to the cent
    (invoice(("18.39", "138")), order(**LESS_8), quote(**LESS_8), ()),
    # list prices although a discount was agreed
    (invoice(), order(**LESS_8), quote(**LESS_8), ("price_mismatch",)),
    # a cent too much
    (invoice(("20.00", "150")), order(), quote(), ("price_mismatch",)),
    # the order departs from its quote
    (
        invoice(("25", "150")),
        order(lines=(LIST[0].model_copy(update={"price": D(25)}), LIST[1])),
        quote(),
        ("price_mismatch",),
    ),
    # a large discount that somebody approved, and one that nobody did
    (invoice(("15.99", "120")), order(**LESS_20), quote(**LESS_20, approved_by="A. Berg"), ()),
    (invoice(("15.99", "120")), order(**LESS_20), quote(**LESS_20), ("unapproved_discount",)),
    # the order gives more than the quote, approved or not
    (invoice(("18.39", "138")), order(**LESS_8), quote(discount_percent=D(5), approved_by="A. Berg"), ("unapproved_discount",)),
    # a large discount without any quote
    (invoice(("15.99", "120")), order(**LESS_20, quote_id=""), None, ("unapproved_discount",)),
    # more than ordered
    (invoice(quantities=("11", "2")), order(), quote(), ("qty_over_order",)),
    # part of the order
    (invoice(quantities=("4", "2")), order(), quote(), ()),
    # due on another day than agreed
    (invoice(due_date=date(2026, 9, 3)), order(), quote(), ("terms_mismatch",)),
    # the order gives other terms than the quote
    (invoice(due_date=date(2026, 9, 18)), order(terms_days=60), quote(), ("terms_mismatch",)),
    # no order, and another customer's
    (invoice(order_id=""), None, None, ("missing_order",)),
    (invoice(), order(customer_id="C-2"), quote(), ("missing_order",)),
    # ordered after the quote had expired
    (invoice(), order(date=date(2026, 8, 2)), quote(), ("quote_expired",)),
    # another currency; prices are not compared then
    (invoice(("25", "150"), currency="CHF"), order(), quote(), ("currency_mismatch",)),
    # totals that do not add up
    (invoice(gross=D("999"), payable=D("999")), order(), quote(), ("arithmetic_error",)),
]


@pytest.mark.parametrize(("bill", "ordered", "quoted", "labels"), TABLE)
def test_labels(bill, ordered, quoted, labels):
    found = compare(bill, ordered, quoted, [], SETTINGS)
    assert found.labels == labels
    assert set(labels) <= set(SALES_LABELS)


def test_what_was_invoiced_before_is_set_off():
    before = invoice(id="AR-0", number="SI-0", quantities=("8", "0"), status="posted")
    found = compare(invoice(quantities=("4", "2")), order(), quote(), [before], SETTINGS)
    assert found.labels == ("qty_over_order",)
    assert found.overbilled == D("47.58")  # 2 x 19.99 and 19 % tax


def test_what_is_overbilled_includes_tax_and_is_never_negative():
    assert compare(invoice(("24.99", "150")), order(), quote(), [], SETTINGS).overbilled == D("59.50")
    assert compare(invoice(("14.99", "150")), order(), quote(), [], SETTINGS).overbilled == D(0)
