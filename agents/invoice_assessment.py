"""Batch assessment: invoice cases as JSON lines in, labels and routes as JSON lines out.

This is the form behind `shiftlead invoices assess`. A line that cannot be read gives one problem and the rest goes on. Each
line brings its own orders, receipts, vendor master and earlier invoices, so no connector is needed; the match is the same
one that the invoices worker uses.
"""

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from ..core.errors import BadInput
from ..core.noun import Noun
from .invoice_cases import InvoiceCase, Problem, read_case
from .invoice_settings import InvoiceSettings
from .playbook import Playbook, shipped_playbook


class AssessedInvoice(Noun):
    """One line of the output."""

    id: str
    labels: tuple[str, ...]
    route: str
    """auto_post, hold_for_receipt, human_review, reject_duplicate or block_fraud_review."""
    confidence: float
    auto: bool
    """True only where the route is auto_post and the confidence reaches the floor."""


class Summary(Noun):
    """What a batch came to."""

    n: int
    """Lines that were assessed."""
    auto: int
    """Of those, how many would be posted without a person."""
    problems: tuple[Problem, ...] = ()


def assess_file(input: Path, output: Path, *, playbook: Playbook | None = None) -> Summary:  # noqa: A002
    """Assess every line of `input` into `output`, which appears whole or not at all.

    Raises BadInput where a file cannot be read or written.
    """
    settings = InvoiceSettings.of(playbook or shipped_playbook("invoices"))
    draft = output.with_name(output.name + ".part")
    n, auto, problems = 0, 0, []
    try:
        with input.open(encoding="utf-8", errors="surrogateescape") as lines, draft.open("w", encoding="utf-8") as out:
            for result in assess_lines(lines, settings, origin=str(input)):
                if isinstance(result, Problem):
                    problems.append(result)
                    continue
                n, auto = n + 1, auto + result.auto
                out.write(json.dumps(result.model_dump(mode="json"), ensure_ascii=False) + "\n")
        os.replace(draft, output)  # noqa: PTH105
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise BadInput(f"{error.filename!r}: {error.strerror}.", hint="Check the paths of input and output.") from error
    return Summary(n=n, auto=auto, problems=tuple(problems))


def assess_lines(lines: Iterable[str], settings: InvoiceSettings, *, origin: str) -> Iterator[AssessedInvoice | Problem]:
    """One result or one problem for each line that is not blank."""
    seen: dict[str, int] = {}
    for number, text in enumerate(lines, 1):
        if not text.strip():
            continue
        case = read_case(text, origin=origin, line=number)
        if isinstance(case, InvoiceCase) and case.id in seen:
            again = f"{case.id!r}, which line {seen[case.id]} has too"
            case = Problem(file=origin, line=number, field="id", expected="an id used once", found=again)
        if isinstance(case, Problem):
            yield case
            continue
        seen[case.id] = number
        yield assessed(case, settings)


def assessed(case: InvoiceCase, settings: InvoiceSettings) -> AssessedInvoice:
    """The labels, route and confidence of one case."""
    found = case.matched(settings)
    auto = found.route == "auto_post" and found.confidence >= settings.confidence_floor
    return AssessedInvoice(id=case.id, labels=found.labels, route=found.route, confidence=found.confidence, auto=auto)
