"""Electronic invoices: UBL, CII and FatturaPA as XML, and Factur-X or ZUGFeRD as PDF, read to the cent."""

from pathlib import Path

from pydantic import ValidationError

from ..core.errors import BadInput
from . import cii, ubl
from .cii import read_cii
from .einvoice_pdf import xml_in_pdf
from .einvoice_record import Account, Allowance, EInvoice, Finding, TaxGroup, Totals
from .fatturapa import read_fatturapa
from .ubl import read_ubl
from .xml_tree import MAX_BYTES, Node, parse_xml

__all__ = ["Account", "Allowance", "EInvoice", "Finding", "TaxGroup", "Totals", "read_einvoice"]

_EXPECTED = "Expected a UBL, CII or FatturaPA invoice as XML, or a Factur-X or ZUGFeRD PDF."


def read_einvoice(source: Path | str | bytes, *, name: str = "") -> EInvoice:
    """The invoice or credit note in a file, or in its bytes.

    Args:
        source: a path, or the content itself.
        name: what to call it in messages; the file's name by default.

    Raises:
        BadInput: naming the file, the line and element where known, what was expected and what to do.
    """
    data = source if isinstance(source, bytes) else _content(Path(source))
    file = name or ("the e-invoice" if isinstance(source, bytes) else Path(source).name)
    try:
        return _read(parse_xml(_xml(data, file), file=file))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadInput(f"{file}: {where}: {first['msg']}.", hint="Ask the sender to mend it.") from error


def _content(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise BadInput(f"{path.name}: it is larger than {MAX_BYTES:,} bytes.", hint="Check where the file comes from.")
        return path.read_bytes()
    except OSError as error:
        raise BadInput(
            f"{str(path)!r} cannot be read: {error.strerror or error}.", hint="Check the path and its rights."
        ) from error


def _xml(data: bytes, file: str) -> bytes:
    """The XML in `data`, judged by its first bytes and never by the file's name."""
    start = data[:1024].lstrip()
    if not start:
        raise BadInput(f"{file}: it is empty.", hint=_EXPECTED)
    if b"%PDF-" in start:
        return xml_in_pdf(data, file=file)
    if start.startswith((b"<", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\x00<")):
        return data
    if start.startswith((b"0\x82", b"0\x80")):
        raise BadInput(
            f"{file}: it is a signed envelope (p7m), not XML.",
            hint="Take the XML out first: openssl cms -verify -noverify -inform DER -in FILE -out invoice.xml",
        )
    raise BadInput(f"{file}: it is neither XML nor PDF (it starts with {start[:8]!r}).", hint=_EXPECTED)


def _read(root: Node) -> EInvoice:
    if root.namespace in ubl.NAMESPACES and root.name in ("Invoice", "CreditNote"):
        return read_ubl(root)
    if root.namespace in cii.NAMESPACES:
        return read_cii(root)
    if root.name == "FatturaElettronica":
        return read_fatturapa(root)
    found = f"{root.name} of {root.namespace}" if root.namespace else root.name
    raise root.problem(f"the document is a {found[:120]}, not an invoice that can be read.", hint=_EXPECTED)
