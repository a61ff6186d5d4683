"""The arithmetic that EN 16931 asks of an invoice, recomputed from its parts."""

from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal

from .einvoice_record import Amounts, Draft, Finding, Totals

_CENT = Decimal("0.01")
_ZERO = Decimal(0)


def arithmetic(amounts: Amounts) -> tuple[Finding, ...]:
    """The rules BR-CO-10 to BR-CO-17 of EN 16931 that `amounts` breaks.

    As the standard's own rules do, a sum is compared with the stated amount after rounding half up to two decimals, and the tax of
    a breakdown line may be off by one unit of currency.
    """
    return (*_sums(amounts), *_chain(amounts.totals), *_tax_sum(amounts), *_rates(amounts))


def credit_sign(draft: Draft) -> Iterator[Finding]:
    """A credit note with a negative total: taken at its word it would be a bill."""
    if draft.credit and draft.gross < 0:
        yield Finding(rule="credit-sign", field="gross", stated=draft.gross, computed=-draft.gross)


def compare(rule: str, field: str, stated: Decimal | None, computed: Decimal, within: Decimal = _ZERO) -> Iterator[Finding]:
    """A finding where `stated` is not `computed` to the cent, give or take `within`; nothing stated counts as zero."""
    computed = computed.quantize(_CENT, rounding=ROUND_HALF_UP)
    if abs((stated or _ZERO) - computed) > within:
        yield Finding(rule=rule, field=field, stated=stated, computed=computed)


def _sums(amounts: Amounts) -> Iterator[Finding]:
    totals = amounts.totals
    if amounts.lines:
        yield from compare("BR-CO-10", "lines", totals.lines, sum(amounts.lines, _ZERO))
    for rule, field, parts, stated in (
        ("BR-CO-11", "allowances", amounts.allowances, totals.allowances),
        ("BR-CO-12", "charges", amounts.charges, totals.charges),
    ):
        yield from compare(rule, field, stated, sum((part.amount for part in parts), _ZERO))


def _chain(totals: Totals) -> Iterator[Finding]:
    if totals.lines is not None:
        net = totals.lines - (totals.allowances or _ZERO) + (totals.charges or _ZERO)
        yield from compare("BR-CO-13", "net", totals.net, net)
    if totals.net is not None:
        yield from compare("BR-CO-15", "gross", totals.gross, totals.net + (totals.tax or _ZERO))
    for other in totals.other_taxes:
        yield Finding(rule="BR-CO-15", field="tax", stated=other, computed=totals.tax or _ZERO)
    if totals.gross is not None and totals.payable is not None:
        payable = totals.gross - (totals.prepaid or _ZERO) + (totals.rounding or _ZERO)
        yield from compare("BR-CO-16", "payable", totals.payable, payable)


def _tax_sum(amounts: Amounts) -> Iterator[Finding]:
    taxes = [group.tax for group in amounts.taxes if group.tax is not None]
    if taxes:
        yield from compare("BR-CO-14", "tax", amounts.totals.tax, sum(taxes, _ZERO))


def _rates(amounts: Amounts) -> Iterator[Finding]:
    for number, group in enumerate(amounts.taxes, 1):
        if group.tax is not None and group.taxable is not None:
            computed = group.taxable * (group.rate or _ZERO) / 100
            yield from compare("BR-CO-17", f"taxes[{number}].tax", group.tax, computed, within=Decimal(1))
