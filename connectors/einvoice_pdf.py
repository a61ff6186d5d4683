"""The XML inside a hybrid PDF invoice (Factur-X, ZUGFeRD)."""

from io import BytesIO

from pypdf import PdfReader
from pypdf.errors import PyPdfError

from ..core.errors import BadInput

PREFERRED = ("factur-x.xml", "zugferd-invoice.xml", "xrechnung.xml", "order-x.xml")
"""Names that the standards give the attachment, best first; capitals do not matter."""

_DAMAGED = "The PDF is damaged or cut off: ask the sender to send it again."


def xml_in_pdf(data: bytes, *, file: str) -> bytes:
    """The embedded invoice of a PDF; raises BadInput where there is none or the PDF cannot be read."""
    try:
        return _embedded(data, file)
    except BadInput:
        raise
    except PyPdfError as error:
        raise BadInput(f"{file}: it cannot be read as a PDF: {error}.", hint=_DAMAGED) from error
    except Exception as error:  # a hostile PDF can break the library anywhere
        raise BadInput(f"{file}: it cannot be read as a PDF: {type(error).__name__}: {error}.", hint=_DAMAGED) from error


def _embedded(data: bytes, file: str) -> bytes:
    reader = PdfReader(BytesIO(data))
    if reader.is_encrypted:
        raise BadInput(
            f"{file}: the PDF is encrypted, so its invoice cannot be taken out.",
            hint="Save it without a password, or ask the sender for the XML.",
        )
    attachments = reader.attachments
    name = _choice([name for name in attachments if name.lower().endswith(".xml")])
    if not name:
        others = ", ".join(sorted(attachments)) or "none"
        raise BadInput(
            f"{file}: the PDF holds no invoice XML (attachments: {others}).",
            hint="Expected factur-x.xml or the like; a plain PDF has to be typed in or asked for as an e-invoice.",
        )
    return bytes(attachments[name][0])


def _choice(names: list[str]) -> str:
    known = {name.lower(): name for name in reversed(names)}
    return next((known[name] for name in PREFERRED if name in known), next(iter(names), ""))
