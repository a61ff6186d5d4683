"""The hidden truth of the embedded company: what is right for each case, for evals and benchmarks only.

It lies in a file of its own that no connector opens, so that no worker can read it.
"""

import json
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ..core.errors import BadInput, NotFound
from ..core.money import Exact
from ..core.noun import Noun, canonical_json


class Truth(Noun):
    """What is right for one case."""

    source: str
    """Connector and queue: `company.payables`."""
    external_id: str
    labels: tuple[str, ...] = ()
    """What is to be found; empty for a clean case. For a help-desk ticket, the intent comes first."""
    route: str
    """Where it belongs: `auto_post`, `hold_for_receipt`, `human_review`, `reject_duplicate`, `block_fraud_review`, `issue`,
    `answer`, `route`, `merge`, `remind`, `call`, `hold`, `escalate`, `wait`, `quarantine`."""
    operations: tuple[str, ...] = ()
    """Operations that are right as the first step; where the route is `wait`, doing nothing is right too."""
    amount_at_risk: Exact = Decimal(0)
    """What a wrong decision would cost, in the ticket's currency."""
    latent_cause: str = ""
    """What is behind it and cannot be seen: `typing_error`, `fraud`, `cash_trouble`."""
    trap: str = ""
    """For a clean case, what makes it look like an exception."""
    human_minutes: float = 0.0
    """How long a person would need."""
    facts: dict[str, Any] = {}
    """More that evals measure against: language, the duplicate's original, days until payment."""

    @property
    def key(self) -> tuple[str, str]:
        """Source and external id."""
        return (self.source, self.external_id)


def truth_path(company: Path) -> Path:
    """Where the truth of the company in `company` lies."""
    return company.with_name(f"{company.stem}_truth.jsonl")


def write_truth(path: Path, truths: Iterable[Truth]) -> None:
    """Write `truths`, sorted by case."""
    lines = [canonical_json(truth) + "\n" for truth in sorted(truths, key=lambda truth: truth.key)]
    path.write_text("".join(lines), encoding="utf-8")


def load_truth(path: Path) -> dict[tuple[str, str], Truth]:
    """The truth by (source, external id); raises NotFound or BadInput naming the line."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise NotFound(f"There is no truth at {str(path)!r}.", hint="It is written beside a new company.") from error
    found: dict[tuple[str, str], Truth] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            truth = Truth.model_validate(json.loads(line))
        except (ValueError, ValidationError) as error:
            raise BadInput(f"{path}, line {number}: is no truth: {error}.", hint="Make the company anew.") from error
        found[truth.key] = truth
    return found
