"""Conditions that can never be true."""

import pytest

from shiftlead.guardrails.conditions import parse_condition
from shiftlead.guardrails.contradictions import contradiction
from shiftlead.guardrails.document import read_document
from shiftlead.guardrails.facts import FACTS


def clash(text):
    return contradiction(parse_condition(read_document(f"when: {text}", origin="t")["when"], FACTS))


@pytest.mark.parametrize(
    "text",
    [
        "{exceptions: {above: 10, below: 5}}",
        "{all: [exceptions: {above: 10}, exceptions: {below: 5}]}",
        "{exceptions: {above: 10, below: 11}}",  # no whole number lies between
        "{price_variance_percent: {above: 2.5, at_most: 2.5}}",
        "{confidence: {above: 1}}",
        "{confidence: {below: 0}}",
        "{amount: {above: 10 EUR, below: 5 EUR}}",
        "{amount: {above: {EUR: 10, USD: 10}, below: {EUR: 20, USD: 5}}}",
        "{amount: {above: 10 EUR, below: 50 USD}}",  # no currency has both limits
        "{all: [queue: {is: a}, queue: {is: b}]}",
        "{queue: {in: [a, b], not_in: [a, b]}}",
        "{all: [queue: {in: [a, b]}, queue: {is_not: a}, queue: {is_not: b}]}",
        "{all: [order_found: true, order_found: false]}",
        "{all: [order_found: true, not: {order_found: true}]}",
        "{all: [exceptions: {is: 3}, exceptions: {above: 3}]}",
        "{all: [local_hour: {missing: true}, local_hour: {above: 3}]}",
        "{all: [exceptions: {above: 10}, any: [exceptions: {below: 5}, order_found: true]]}",  # a dead branch
        "{any: [order_found: true, all: [exceptions: {above: 10}, exceptions: {below: 5}]]}",
        "{not: {all: [exceptions: {above: 10}, exceptions: {below: 5}]}}",
        "{not: {any: [exceptions: {above: 10}, exceptions: {at_most: 10}]}}",
        "{all: [exceptions: {above: 10}, all: [order_found: true, exceptions: {below: 5}]]}",
        # an amount whose limits are all in other currencies than it may be in
        "{amount: {above: 500 EUR}, currency: {is: USD}}",
        "{amount: {above: {EUR: 500, USD: 550}}, currency: {not_in: [EUR, USD]}}",
        "{all: [currency: {in: [USD, GBP]}, any: [amount: {above: 500 EUR}, order_found: true]]}",
        "{amount: {above: 500 EUR}, currency: {missing: true}}",
        "{amount: {missing: true}, currency: {is: EUR}}",
        # every word that a closed vocabulary has is barred
        "{match_type: {not_in: [3way, 2way, consignment]}}",
        "{all: [match_type: {is_not: 3way}, match_type: {not_in: [2way, consignment]}]}",
        # only across the branches of several `any`
        (
            "{all: [any: [exceptions: {above: 5}, local_hour: {above: 5}], any: [exceptions: {below: 5}, local_hour: {below: 9}],"
            " exceptions: {is: 5}, local_hour: {is: 12}]}"
        ),
        "{all: [any: [exceptions: 1, exceptions: 2], any: [exceptions: 3, exceptions: 4]]}",
        "{all: [any: [exceptions: 1, exceptions: 2], any: [exceptions: 2, exceptions: 3], any: [exceptions: 3, exceptions: 1]]}",
        # one branch that no choice of the others leaves open
        "{all: [any: [exceptions: 1, exceptions: 2], any: [exceptions: 2, exceptions: 3]]}",
    ],
)
def test_impossible(text):
    assert clash(text)


@pytest.mark.parametrize(
    "text",
    [
        "{exceptions: {above: 5, below: 10}}",
        "{exceptions: {at_least: 5, at_most: 5}}",
        "{price_variance_percent: {above: 10.0, below: 11.0}}",
        "{amount: {above: {EUR: 5, USD: 5}, at_most: {EUR: 10, USD: 10}}}",
        "{any: [exceptions: {above: 10}, exceptions: {below: 5}]}",
        "{not: {exceptions: {above: 10}}}",
        "{all: [exceptions: {above: 10}, not: {all: [exceptions: {above: 5}, order_found: true]}]}",
        "{all: [local_hour: {missing: true}, order_found: true]}",
        "{queue: {in: [a, b], not_in: [a]}}",
        "{confidence: {at_least: 1}}",
        "{amount: {above: 500 EUR}, currency: {is: EUR}}",
        "{amount: {above: {EUR: 500, USD: 550}}, currency: {is: USD}}",
        "{amount: {above: 500 EUR}, currency: {is_not: USD}}",
        "{amount: {missing: true}, currency: {missing: true}}",
        "{price_effect: {above: 500 EUR}, currency: {is: USD}}",  # its currency is not that of the action
        "{match_type: {not_in: [3way, 2way]}}",
        "{all: [any: [exceptions: 1, exceptions: 2], any: [exceptions: 2, exceptions: 1]]}",
        # more combinations than are looked at
        (
            "{all: [any: [exceptions: 1, local_hour: 1], any: [exceptions: 2, local_hour: 2], any: [exceptions: 3, local_hour: 3],"
            " any: [reminder_level: 1, instalments: 1], any: [reminder_level: 1, instalments: 2], any: [reminder_level: 1, instalments: 3],"
            " any: [reminder_level: 1, instalments: 4], any: [reminder_level: 1, instalments: 5], any: [reminder_level: 1, instalments: 6],"
            " any: [reminder_level: 1, instalments: 7]]}"
        ),
    ],
)
def test_possible(text):
    assert clash(text) == ""


def test_the_message_shows_both_sides():
    assert clash("{amount: {above: 10000 EUR, below: 500 EUR}}") == "amount above 10,000.00 EUR and amount below 500.00 EUR"
