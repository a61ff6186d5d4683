"""The numbers and words of the invoices playbook, typed: tolerances, windows, templates."""

from decimal import Decimal
from typing import Any

from pydantic import Field

from ..core.errors import SettingsError
from ..core.money import Exact
from ..core.noun import Noun
from .playbook import PlaybookSettings


class Template(Noun):
    """An approved text; `{invoice}`, `{supplier}`, `{order}` and `{points}` are filled from records."""

    subject: str = Field(min_length=1)
    body: str = Field(min_length=1)


class InvoiceSettings(PlaybookSettings):
    """What the playbook `invoices.yaml` says under `settings`; amounts there are quoted so that they stay exact."""

    price_tolerance_percent: Exact = Field(ge=0)
    """A unit price may differ from the order's by this much, in percent of the order's price."""
    price_tolerance_effect: Exact = Field(ge=0)
    """A difference that costs no more than this, per line in the invoice's currency, is let through."""
    totals_tolerance: Exact = Field(ge=0)
    """Net and tax may miss gross by this much."""
    line_rounding: Exact = Field(ge=0)
    """What rounding may add to that for each line, where lines are summed."""
    payable_rounding: Exact = Field(ge=0)
    """Payable may exceed gross by this much, for cash rounding."""
    order_typo_distance: int = Field(ge=0)
    """Edits between the order number on the invoice and a real one that still count as a slip of the pen."""
    name_likeness: float = Field(ge=0, le=1)
    """How alike two supplier names must be to be one supplier, 0 to 1."""
    legal_forms: tuple[str, ...]
    """Words that say nothing about who a company is."""
    number_prefixes: tuple[str, ...]
    """Words in front of invoice numbers that say nothing about which invoice it is."""
    amount_shift_percent: Exact = Field(ge=0)
    """A second bill for the same supply may differ from the first by this much."""
    duplicate_window_days: int = Field(ge=0)
    """How far apart two bills on different orders may be and still be the same one."""
    near_miss_days: int = Field(ge=0)
    """Equal amounts of one supplier this close lower the confidence where no receipt tells them apart."""
    confidence_floor: float = Field(ge=0, le=1)
    """`invoices assess` posts by itself from this confidence on."""
    hold_days: int = Field(ge=1)
    """How long a hold for goods lasts before the invoice is looked at again."""
    hold_limit_days: int = Field(ge=0)
    """How long an invoice may wait for goods before a person is asked."""
    short_pay_limit: Exact = Field(ge=0)
    """The largest difference, with tax, that is short-paid; above it the supplier is asked for a corrected invoice."""
    sales_price_tolerance: Exact = Field(ge=0)
    """Our own unit price may differ from what was agreed by this much, for rounding."""
    terms_tolerance_days: int = Field(ge=0)
    """A due date may differ from the agreed terms by so many days."""
    discount_needs_approval_percent: Exact = Field(ge=0)
    """A discount above this needs somebody's approval on the quote."""
    confidence: dict[str, float]
    """How often a person is expected to choose the same action, for actions that are a choice and not arithmetic."""
    templates: dict[str, Template]
    """Approved texts by name."""

    def within(self, first: Decimal, second: Decimal, lines: int = 0) -> bool:
        """Whether two amounts agree, with the rounding that so many lines may add."""
        return abs(first - second) <= self.totals_tolerance + self.line_rounding * lines

    def sure(self, action: str) -> float:
        """The confidence of an action that is a choice; low where the playbook gives none."""
        return self.confidence.get(action, 0.5)


def filled(template: Template, values: dict[str, Any]) -> tuple[str, str]:
    """Subject and body of `template` with `values`; raises SettingsError where it asks for something else."""
    try:
        return template.subject.format_map(values), template.body.format_map(values)
    except (KeyError, IndexError, ValueError, AttributeError) as error:
        raise SettingsError(
            f"A template of the invoices playbook cannot be filled: {error}.",
            hint=f"It may use {', '.join('{' + name + '}' for name in values)}.",
        ) from error
