"""XML as a small tree whose every element knows its line and path, so that an error can say where.

Document type declarations, entities and external references are refused by the parser: nothing is expanded, nothing is fetched.
"""

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from io import BytesIO
from typing import Any
from xml.sax import SAXException, SAXParseException
from xml.sax.handler import ContentHandler, feature_namespaces
from xml.sax.xmlreader import AttributesNSImpl, InputSource, Locator

from defusedxml.common import DefusedXmlException
from defusedxml.sax import make_parser

from ..core.errors import BadInput

MAX_BYTES = 64 * 1024 * 1024
"""The largest XML document that is read."""
MAX_ELEMENTS = 1_000_000
"""The most elements one document may have."""
MAX_DEPTH = 100
"""The deepest nesting of elements."""

_DECIMAL = re.compile(r"[+-]?(?:[0-9]{1,18}(?:\.[0-9]{0,12})?|\.[0-9]{1,12})")
_DATE = re.compile(r"([0-9]{4})-?([0-9]{2})-?([0-9]{2})(?:[T ][0-9:.]*|[0-9]{4,6})?(?:Z|[+-][0-9]{2}:[0-9]{2})?")
_CURRENCY = re.compile(r"[A-Z]{3}")


class Node:
    """One element: its local name, attributes, text, line and children."""

    __slots__ = ("_text", "attributes", "children", "file", "line", "name", "namespace", "parent")

    def __init__(self, name: str, *, namespace: str, file: str, line: int, parent: "Node | None") -> None:
        self.name = name
        self.namespace = namespace
        self.file = file
        self.line = line
        self.parent = parent
        self.attributes: dict[str, str] = {}
        self.children: list[Node] = []
        self._text: list[str] = []

    @property
    def path(self) -> str:
        """Where it is: `/Invoice/InvoiceLine[2]/Price`."""
        steps: list[str] = []
        node: Node | None = self
        while node is not None:
            steps.append(_step(node))
            node = node.parent
        return "/" + "/".join(reversed(steps))

    @property
    def text(self) -> str:
        """Its own text, without the space around it."""
        return "".join(self._text).strip()

    def add_text(self, text: str) -> None:
        """Append a piece of text, as the parser hands it over."""
        self._text.append(text)

    def all(self, path: str) -> Iterator["Node"]:
        """Every element at `path` below this one; `a|b` means either name."""
        head, _, rest = path.partition("/")
        names = head.split("|")
        for child in self.children:
            if child.name in names:
                if rest:
                    yield from child.all(rest)
                else:
                    yield child

    def first(self, path: str) -> "Node | None":
        """The first element at `path`, or None."""
        return next(self.all(path), None)

    def need(self, path: str) -> "Node":
        """The first element at `path`; raises BadInput where there is none."""
        found = self.first(path)
        if found is None:
            raise self.problem(f"{_readable(path)} is missing.", hint="Ask the sender for a complete invoice.")
        return found

    def at(self, path: str) -> str:
        """The first text at `path` that is not empty; empty where there is none."""
        return next((node.text for node in self.all(path) if node.text), "")

    def texts(self, path: str) -> tuple[str, ...]:
        """Every text at `path` that is not empty."""
        return tuple(node.text for node in self.all(path) if node.text)

    def amount_at(self, path: str) -> Decimal | None:
        """The number at `path`; None where there is none."""
        found = self.first(path)
        return None if found is None else found.amount()

    def day_at(self, path: str) -> date | None:
        """The date at `path`; None where there is none or it is empty."""
        found = self.first(path)
        return None if found is None or not found.text else found.day()

    def required(self, path: str) -> str:
        """The text at `path`; raises BadInput where it is missing or empty."""
        found = self.need(path)
        if not found.text:
            raise found.problem("it is empty.", hint="Ask the sender for a complete invoice.")
        return found.text

    def amount(self) -> Decimal:
        """Its text as an exact number; raises BadInput where it is none."""
        if not _DECIMAL.fullmatch(self.text):
            raise self.problem(
                f"expected a number such as 1234.56, found {_shown(self.text)}.", hint="Ask the sender to mend it."
            )
        return Decimal(self.text)

    def amount_in(self, currency: str) -> Decimal:
        """Its number; raises BadInput where it is stated in another currency."""
        own = self.attributes.get("currencyID", currency)
        if own != currency:
            raise self.problem(
                f"expected an amount in {currency}, the document's currency, found {_shown(own)}.",
                hint="Ask the sender which currency is meant.",
            )
        return self.amount()

    def day(self) -> date:
        """Its text as a calendar day; raises BadInput where it is none."""
        found = _DATE.fullmatch(self.text)
        try:
            return date(*(int(part) for part in found.groups())) if found else self._no_day()
        except ValueError:
            return self._no_day()

    def currency(self) -> str:
        """Its text as an ISO 4217 code; raises BadInput where it is none."""
        if not _CURRENCY.fullmatch(self.text):
            raise self.problem(
                f"expected a currency code such as EUR, found {_shown(self.text)}.", hint="Ask the sender to mend it."
            )
        return self.text

    def problem(self, what: str, *, hint: str) -> BadInput:
        """A BadInput that says where this element is."""
        return BadInput(f"{self.file}, line {self.line}, {self.path}: {what}", hint=hint)

    def _no_day(self) -> date:
        raise self.problem(f"expected a date such as 2026-01-31, found {_shown(self.text)}.", hint="Ask the sender to mend it.")


class _Builder(ContentHandler):
    """Builds the tree from the parser's events."""

    def __init__(self, file: str) -> None:
        super().__init__()
        self.root: Node | None = None
        self._file = file
        self._open: list[Node] = []
        self._count = 0
        self._where: Locator | None = None

    def setDocumentLocator(self, locator: Locator) -> None:  # noqa: N802 - the name is the SAX interface's
        self._where = locator

    def startElementNS(self, name: tuple[str | None, str], qname: str | None, attrs: AttributesNSImpl) -> None:  # noqa: N802
        line = (self._where.getLineNumber() if self._where else None) or 0
        parent = self._open[-1] if self._open else None
        node = Node(name[1], namespace=name[0] or "", file=self._file, line=line, parent=parent)
        node.attributes = {key[1]: value for key, value in attrs.items()}
        self._count += 1
        if self._count > MAX_ELEMENTS or len(self._open) >= MAX_DEPTH:
            raise BadInput(
                f"{self._file}, line {line}: it has more than {MAX_ELEMENTS:,} elements or {MAX_DEPTH} levels, which no invoice has.",
                hint="Check where the file comes from.",
            )
        if parent is None:
            self.root = node
        else:
            parent.children.append(node)
        self._open.append(node)

    def endElementNS(self, name: tuple[str | None, str], qname: str | None) -> None:  # noqa: N802
        self._open.pop()

    def characters(self, content: str) -> None:
        if self._open:
            self._open[-1].add_text(content)


def parse_xml(data: bytes, *, file: str) -> Node:
    """The root element of `data`; raises BadInput with the file's name and the line."""
    if len(data) > MAX_BYTES:
        raise BadInput(f"{file}: it has {len(data):,} bytes, more than {MAX_BYTES:,}.", hint="Check where the file comes from.")
    builder = _Builder(file)
    try:
        _run(data, builder)
    except SAXParseException as error:
        raise _malformed(error, file, builder) from error
    except DefusedXmlException as error:
        raise BadInput(
            f"{file}: it declares a document type or entities (DOCTYPE), which can read other files or use up the memory.",
            hint="An e-invoice never needs one: reject the file, or ask the sender for one without it.",
        ) from error
    except (SAXException, LookupError, ValueError) as error:
        raise BadInput(
            f"{file}: its text cannot be decoded: {error}.", hint="Expected XML in UTF-8; ask the sender to export it again."
        ) from error
    if builder.root is None:
        raise BadInput(f"{file}: it holds no XML element.", hint="Ask the sender to export it again.")
    return builder.root


def _run(data: bytes, builder: _Builder) -> None:
    parser: Any = make_parser()
    parser.forbid_dtd = parser.forbid_entities = parser.forbid_external = True
    parser.setFeature(feature_namespaces, True)
    parser.setContentHandler(builder)
    source = InputSource("")
    source.setByteStream(BytesIO(data))
    parser.parse(source)


def _malformed(error: SAXParseException, file: str, builder: _Builder) -> BadInput:
    after = f" inside {builder._open[-1].path}" if builder._open else ""
    return BadInput(
        f"{file}, line {error.getLineNumber()}: it is not well-formed XML ({error.getMessage()}){after}.",
        hint="The file is damaged or cut off: ask the sender to send it again.",
    )


def _step(node: Node) -> str:
    twins = [child for child in node.parent.children if child.name == node.name] if node.parent else [node]
    return node.name if len(twins) == 1 else f"{node.name}[{next(i for i, twin in enumerate(twins, 1) if twin is node)}]"


def _readable(path: str) -> str:
    return "/".join(step.split("|")[0] for step in path.split("/"))


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:37] + "...")
