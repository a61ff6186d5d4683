"""Evidence: a value with its source, the time it was read and how far it may be trusted."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from .noun import Noun


class Trust(StrEnum):
    """Where a value comes from."""

    RECORD = "record"
    """A system of record: ERP master data, postings, receipts."""
    UNTRUSTED = "untrusted"
    """Somebody else's text: ticket, e-mail, PDF, web page."""


class Evidence(Noun):
    """One value that a proposal rests on."""

    name: str
    """What it is, for a reader: `PO 4500017 line 1 price`."""
    value: Any
    """The value, as JSON types."""
    source: str
    """Where it was read: `company:purchase_order/4500017`."""
    trust: Trust
    """Whether the source is a system of record."""
    read_at: datetime
    """When it was read, in UTC."""
    note: str = ""
    """Why it matters: `contradicts the invoice`."""
