"""Invoice cases: one JSON line with an invoice and the records it is matched against.

Numbers with a point are read as exact decimals; digits behind the ninth are the noise of whatever wrote them as binary
floats and are rounded off. Fields that the match does not use are ignored; a missing or wrong one is
named as the file names it.
"""

import json
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from ..connectors.records import (
    GoodsReceipt,
    Invoice,
    InvoiceLine,
    MatchType,
    OrderLine,
    PurchaseOrder,
    ReceiptLine,
    Supplier,
)
from ..connectors.row_record import no_json
from ..core.noun import Noun
from .invoice_settings import InvoiceSettings
from .matching import Match, match

M = TypeVar("M", bound=BaseModel)

_LINE = {
    "line": "line",
    "sku": "sku",
    "description": "desc",
    "quantity": "qty",
    "unit": "unit",
    "price": "price",
    "tax_rate": "vat_rate",
}
_BILLED = {**_LINE, "net": "net"}
_INVOICE = {
    "number": "number", "party_id": "vendor_id", "party_name": "supplier", "party_tax_id": "supplier_vat",
    "order_id": "po_number", "issue_date": "issue_date", "due_date": "due_date", "currency": "currency", "net": "net",
    "tax": "tax", "gross": "gross", "payable": "payable", "iban": "iban", "note": "note",
}  # fmt: skip
_ORDER = {"id": "number", "supplier_id": "vendor_id", "date": "date", "currency": "currency"}
_RECEIPT = {"id": "number", "order_id": "po_number", "date": "date"}
_ARRIVED = {"line": "line", "sku": "sku", "quantity": "qty"}
_SUPPLIER = {
    "id": "vendor_id", "name": "name", "tax_id": "vat_id", "iban": "iban", "country": "country", "email": "email",
    "terms_days": "payment_terms_days", "created": "created", "blocked": "blocked",
}  # fmt: skip
_PRIOR = {
    "number": "number", "party_id": "vendor_id", "party_name": "supplier", "issue_date": "issue_date", "currency": "currency",
    "net": "net", "gross": "gross", "order_id": "po_number", "status": "status",
}  # fmt: skip
_MATCHES = {"3way": MatchType.THREE_WAY, "2way": MatchType.TWO_WAY, "consignment": MatchType.CONSIGNMENT}
_FOREIGN = re.compile("[\udc80-\udcff]")
"""Bytes that are not UTF-8, as `surrogateescape` hands them over."""
_LARGEST, _DECIMALS = 15, 9


class Problem(Noun):
    """A line that could not be read."""

    file: str
    line: int
    field: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}, {self.field}: expected {self.expected}, found {self.found}"


class InvoiceCase(Noun):
    """An invoice with the records it is matched against."""

    id: str
    invoice: Invoice
    orders: tuple[PurchaseOrder, ...]
    receipts: tuple[GoodsReceipt, ...]
    suppliers: tuple[Supplier, ...]
    earlier: tuple[Invoice, ...]

    def matched(self, settings: InvoiceSettings) -> Match:
        """The match of this case."""
        return match(self.invoice, self.orders, self.receipts, self.suppliers, self.earlier, settings)


def read_case(text: str, *, origin: str, line: int) -> InvoiceCase | Problem:
    """The case on one line, or what is wrong with it."""
    if (foreign := _FOREIGN.search(text)) is not None:
        found = f"byte 0x{ord(foreign[0]) - 0xDC00:02X} at column {foreign.start() + 1}"
        return Problem(file=origin, line=line, field="the line", expected="UTF-8 text", found=found)
    try:
        raw = json.loads(text, parse_float=Decimal, parse_constant=_no_number)
    except (ValueError, RecursionError, ArithmeticError) as error:
        cause = no_json(error)
        return Problem(file=origin, line=line, field="the line", expected="one JSON object", found=cause)
    try:
        return _case(_object(raw, "the line"))
    except _Unreadable as error:
        return Problem(file=origin, line=line, field=error.field, expected=error.expected, found=error.found)


class _Unreadable(Exception):
    """A field that is missing or wrong."""

    def __init__(self, field: str, expected: str, found: str) -> None:
        self.field, self.expected, self.found = field, expected, found
        super().__init__(field)


def _case(raw: Mapping[str, Any]) -> InvoiceCase:
    case_id = raw.get("id")
    if not isinstance(case_id, str) or not case_id or not case_id.isprintable():
        raise _Unreadable("id", "a non-empty string of printable characters", _shown(case_id))
    return InvoiceCase(
        id=case_id,
        invoice=_invoice(raw, case_id),
        orders=tuple(_order(item, at) for item, at in _items(raw, "purchase_orders")),
        receipts=tuple(_receipt(item, at) for item, at in _items(raw, "goods_receipts")),
        suppliers=tuple(_made(Supplier, _SUPPLIER, item, at) for item, at in _items(raw, "vendor_master")),
        earlier=tuple(_earlier(item, at, case_id) for item, at in _items(raw, "prior_invoices")),
    )


def _invoice(case: Mapping[str, Any], case_id: str) -> Invoice:
    raw = _object(case.get("invoice"), "invoice")
    lines = tuple(_made(InvoiceLine, _BILLED, item, at) for item, at in _items(raw, "lines", "invoice."))
    if not lines:
        raise _Unreadable("invoice.lines", "at least one line", "none")
    fixed = {"id": case_id, "lines": lines}
    if case.get("received_on") is not None:
        fixed["received_on"] = case["received_on"]
    return _made(Invoice, _INVOICE, raw, "invoice", **fixed)


def _order(raw: Mapping[str, Any], at: str) -> PurchaseOrder:
    written = str(raw.get("match", "3way"))
    kind = _MATCHES.get(written.partition("_")[0])
    if kind is None:
        raise _Unreadable(f"{at}.match", "3way…, 2way or consignment", _shown(written))
    lines = tuple(_made(OrderLine, _LINE, item, where) for item, where in _items(raw, "lines", f"{at}."))
    return _made(PurchaseOrder, _ORDER, raw, at, match=kind, lines=lines)


def _receipt(raw: Mapping[str, Any], at: str) -> GoodsReceipt:
    lines = tuple(_made(ReceiptLine, _ARRIVED, item, where) for item, where in _items(raw, "lines", f"{at}."))
    return _made(GoodsReceipt, _RECEIPT, raw, at, lines=lines)


def _earlier(raw: Mapping[str, Any], at: str, case_id: str) -> Invoice:
    net, gross = (_exact(raw.get(name), f"{at}.{name}") for name in ("net", "gross"))
    return _made(Invoice, _PRIOR, raw, at, id=f"{case_id}/{at}", tax=gross - net, payable=gross)


def _made(model: type[M], names: Mapping[str, str], raw: Mapping[str, Any], at: str, **fixed: Any) -> M:
    """A record from the fields of `raw`; a wrong one is named as `raw` names it."""
    values = {
        field: _plain(model, field, raw[name], f"{at}.{name}") for field, name in names.items() if raw.get(name) is not None
    }
    try:
        return model.model_validate({**values, **fixed})
    except ValidationError as error:
        first = error.errors()[0]
        field = str(first["loc"][0])
        missing = first["type"] == "missing"
        where = f"{at}.{names[field]}" if field in names else field
        expected = "a value" if missing else first["msg"].removeprefix("Value error, ")
        raise _Unreadable(where, expected, "nothing" if missing else _shown(first["input"])) from error


def _plain(model: type[BaseModel], field: str, value: Any, at: str) -> Any:
    wanted = model.model_fields[field].annotation
    if wanted is str and isinstance(value, int | Decimal) and not isinstance(value, bool):
        return str(value)
    if wanted is Decimal:
        return _exact(value, at)
    return value


def _exact(value: Any, at: str) -> Decimal:
    exact_text = isinstance(value, str) and re.fullmatch(r"-?\d+(\.\d+)?", value)
    if isinstance(value, bool) or not (exact_text or isinstance(value, int | Decimal)):
        raise _Unreadable(at, "a number", _shown(value))
    number = Decimal(value)
    if number.adjusted() > _LARGEST:
        raise _Unreadable(at, "a number below 10^16", _shown(value))
    return round(number, _DECIMALS) if int(number.as_tuple().exponent) < -_DECIMALS else number


def _object(value: Any, at: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _Unreadable(at, "a JSON object", _shown(value))
    return value


def _items(raw: Mapping[str, Any], name: str, prefix: str = "") -> Iterator[tuple[Mapping[str, Any], str]]:
    found = raw.get(name)
    if not isinstance(found, list):
        raise _Unreadable(prefix + name, "a list", _shown(found))
    for index, item in enumerate(found):
        at = f"{prefix}{name}[{index}]"
        yield _object(item, at), at


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    text = f"{value:f}" if isinstance(value, Decimal) and abs(value.adjusted()) < _LARGEST else str(value)
    text = repr(value) if isinstance(value, str) else text
    return text if len(text) <= 60 else text[:57] + "..."


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no number")
