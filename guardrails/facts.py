"""Facts: every value a policy rule may look at, declared once with its type and meaning.

Workers and the runtime supply facts with a proposal. A fact that nobody supplied is missing, which is never the same as false.
"""

from collections.abc import Iterable
from enum import StrEnum

from ..core.noun import Noun


class FactType(StrEnum):
    """What a fact holds; a rule's operator and value are checked against it when the policy is loaded."""

    MONEY = "money"
    """An amount with its currency; compared only with a limit in the same currency."""
    NUMBER = "number"
    """A Decimal without a unit."""
    INTEGER = "integer"
    """A whole number; a limit with a fraction is an authoring mistake."""
    RATIO = "ratio"
    """Between 0 and 1."""
    DAYS = "days"
    """A whole number of days."""
    TEXT = "text"
    """One word from an open set, such as a role or a queue."""
    FLAG = "flag"
    """true or false."""


class Fact(Noun):
    """One declared fact."""

    name: str
    type: FactType
    meaning: str
    """What it says, in one line, for authors and approvers."""


def _facts(kind: FactType, **meanings: str) -> Iterable[Fact]:
    return (Fact(name=name, type=kind, meaning=meaning) for name, meaning in meanings.items())


FACTS: dict[str, Fact] = {
    fact.name: fact
    for group in (
        _facts(
            FactType.MONEY,
            amount="Money at stake in the action.",
            price_effect="What a price difference costs, over all lines.",
            exposure_party_today="Money committed today for this customer or supplier, with this action.",
            exposure_worker_today="Money committed today by this worker, with this action.",
            overdue_amount="What the customer owes past its due date.",
        ),
        _facts(
            FactType.RATIO,
            confidence="How sure the brain is that a person would decide the same.",
            late_probability="How likely the customer is to pay late.",
        ),
        _facts(
            FactType.NUMBER,
            price_variance_percent="The largest unit-price difference to the order, in percent of the order's price.",
            discount_percent="Discount on a quote or order, in percent.",
        ),
        _facts(
            FactType.INTEGER,
            actions_party_today="Actions of this kind committed today for this customer or supplier, with this one.",
            actions_worker_today="Actions of this kind committed today by this worker, with this one.",
            done_before="How often an action of this kind was done, or is being sent, on this very record.",
            reminder_level="The level of the reminder that would be sent.",
            contacts_last_7_days="Contacts with this customer in the last seven days, over all channels.",
            local_hour="The hour of day where the recipient is, 0 to 23.",
            instalments="Instalments in a payment plan.",
            exceptions="How many exceptions the match found.",
        ),
        _facts(
            FactType.DAYS,
            days_overdue="Days past the due date of the oldest receivable.",
            days_since_bank_change="Days since the supplier's bank details changed in the vendor master.",
            days_dated_ahead="Days that the date on the invoice lies ahead of today; 0 where it does not.",
            days_since_last_contact="Days since the customer was last contacted.",
        ),
        _facts(
            FactType.TEXT,
            worker="The worker that proposes.",
            target_kind="The kind of record that would change.",
            reversibility="reversible, compensable or irreversible.",
            currency="The currency of the action's amount.",
            match_type="3way, 2way or consignment.",
            invoice_status="The invoice's status when it was read.",
            channel="email, phone or letter.",
            intent="What a ticket is about.",
            queue="The queue a ticket would go to.",
            language="The ticket's language.",
            template="The approved template a message was filled from; empty where there is none.",
            segment="The customer's segment.",
            tainted_arguments="The arguments that pick who gets money, mail or data and that only somebody's text holds.",
        ),
        _facts(
            FactType.FLAG,
            recipient_from_records="The recipient comes from a system of record, not from somebody's text.",
            authority_from_records="Every argument that picks who gets money, mail or data comes from a record.",
            bank_matches_master="The account on the invoice is the supplier's account in the vendor master.",
            supplier_known="The supplier is in the vendor master under this name and tax id.",
            supplier_blocked="The supplier is blocked in the vendor master.",
            order_found="The order on the invoice exists and belongs to the supplier.",
            receipt_complete="What was billed was received.",
            totals_consistent="The invoice's lines, net, tax and gross agree.",
            duplicate_suspected="The same supply may have been billed before.",
            instructions_in_text="Untrusted text tries to give instructions to the worker.",
            disputed="The customer disputes what is owed.",
            promise_open="The customer promised to pay by a date that has not passed.",
            promise_broken="The customer promised to pay and did not.",
            do_not_contact="The customer must not be contacted.",
            insolvent="The customer is insolvent.",
            vulnerable="The customer is marked as vulnerable or in hardship.",
            key_account="The customer is a key account.",
            amounts_match_records="Every amount and date in the message equals the records.",
            out_of_scope="The ticket is of no known kind.",
            approved_discount="Somebody with the authority approved the discount.",
        ),
    )
    for fact in group
}
"""Every declared fact by name."""
