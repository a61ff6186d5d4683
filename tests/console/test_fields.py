"""The edit form's fields: what is typed becomes the value the operation takes, or says what was expected."""

from decimal import Decimal

import pytest

from shiftlead.connectors.operations import CANONICAL
from shiftlead.console.fields import EditField, editable
from shiftlead.core.errors import BadInput
from shiftlead.core.operations import OperationSpec


def field(operation: str, name: str, before=None) -> EditField:
    known = CANONICAL[operation]
    spec = OperationSpec(
        connector="company",
        name=operation,
        summary=known.summary,
        parameters=known.arguments.model_json_schema(),
        editable=known.editable,
    )
    return next(one for one in editable(spec, {name: before}) if one.name == name)


@pytest.mark.parametrize(
    ("operation", "name", "typed", "value"),
    [
        ("invoice.short_pay", "amount", "1284.50", "1284.50"),
        ("invoice.short_pay", "amount", "1e3", "1000"),
        ("invoice.short_pay", "reason", "  short  ", "short"),
        ("ticket.route", "priority", "2", 2),
        ("ticket.route", "tags", "late, damaged ,", ["late", "damaged"]),
        ("invoice.hold", "until", "2026-10-01", "2026-10-01"),
        ("invoice.hold", "until", "", None),
    ],
)
def test_what_is_typed_becomes_a_value_that_the_operation_takes(operation, name, typed, value):
    assert field(operation, name).value(typed) == value


@pytest.mark.parametrize(
    ("operation", "name", "typed", "expected"),
    [
        ("invoice.short_pay", "amount", "lots", "amount"),
        ("invoice.short_pay", "amount", "NaN", "amount"),
        ("invoice.short_pay", "reason", "", "not empty"),
        ("ticket.route", "priority", "5", "from 1 to 4"),
        ("ticket.route", "priority", "two", "from 1 to 4"),
        ("invoice.hold", "until", "31.12.2026", "2026-01-31"),
        ("ticket.reply", "body", "", "1 to 8000 characters"),
    ],
)
def test_a_wrong_value_is_told_what_was_expected(operation, name, typed, expected):
    with pytest.raises(BadInput, match=expected) as caught:
        field(operation, name).value(typed)
    assert name in caught.value.message


@pytest.mark.parametrize(
    ("operation", "name", "before", "shown"),
    [
        ("ticket.route", "tags", ("a", "b"), "a, b"),
        ("invoice.short_pay", "amount", Decimal("7.50"), "7.50"),
        ("invoice.hold", "until", None, ""),
    ],
)
def test_the_present_value_is_shown_as_it_is_typed(operation, name, before, shown):
    assert field(operation, name, before).shown() == shown


def test_a_body_gets_several_lines_and_a_queue_does_not():
    assert field("ticket.reply", "body", "Dear …").long
    assert not field("ticket.route", "queue", "billing").long
