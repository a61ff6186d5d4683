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
    """One word: from an open set, such as a queue, or from the closed one that the fact declares."""
    FLAG = "flag"
    """true or false."""


class Fact(Noun):
    """One declared fact."""

    name: str
    type: FactType
    meaning: str
    """What it says, in one line, for authors and approvers."""
    values: tuple[str, ...] = ()
    """The words a text may be, where its vocabulary is closed; a rule or a proposal with any other is refused."""


_CLOSED = {
    "reversibility": ("reversible", "compensable", "irreversible"),
    "match_type": ("3way", "2way", "consignment"),
    "account_name_check": ("match", "close_match", "no_match", "not_checked"),
    "channel": ("email", "sms", "phone", "letter"),
    "personal_data": ("none", "possible", "certain"),
    "verb": ("read", "send", "pay", "create", "update", "delete", "share", "export", "unknown"),
}


def _facts(kind: FactType, **meanings: str) -> Iterable[Fact]:
    return (Fact(name=name, type=kind, meaning=meaning, values=_CLOSED.get(name, ())) for name, meaning in meanings.items())


_SPENT_FOR = {
    "party": "for this customer or supplier",
    "worker": "by this worker",
    "account": "to this bank account",
    "connector": "through this connector",
    "action": "by this kind of action",
    "all": "by all workers together",
}
_WINDOWS = {"1m": "minute", "10m": "10 minutes", "1h": "hour", "8h": "8 hours", "24h": "24 hours"}


def spent_fact(per: str, within: str, *, money: bool) -> Fact:
    """What was committed in one window, for whom: `exposure_party_24h` in money, `actions_party_24h` as a number."""
    when, whom = f"committed in the last {_WINDOWS[within]}", _SPENT_FOR[per]
    if money:
        return Fact(name=f"exposure_{per}_{within}", type=FactType.MONEY, meaning=f"Money {when} {whom}, with this action.")
    what = "Actions" if per in ("connector", "all") else "Actions of this kind"
    return Fact(name=f"actions_{per}_{within}", type=FactType.INTEGER, meaning=f"{what} {when} {whom}, with this one.")


FACTS: dict[str, Fact] = {
    fact.name: fact
    for group in (
        tuple(spent_fact(per, within, money=money) for per in _SPENT_FOR for within in _WINDOWS for money in (True, False)),
        _facts(
            FactType.MONEY,
            amount="Money at stake in the action.",
            price_effect="What a price difference costs, over all lines.",
            overdue_amount="What the customer owes past its due date.",
            owed_amount="All that the customer owes in this currency, due or not.",
            late_fee="The lump sum that the message demands for late payment.",
        ),
        _facts(
            FactType.RATIO,
            confidence="How sure the brain is that a person would decide the same.",
            late_probability="How likely the customer is to pay late.",
            error_bound="How many of such actions are wrong at most, by the certificate that covers this one.",
        ),
        _facts(
            FactType.NUMBER,
            price_variance_percent="The largest unit-price difference to the order, in percent of the order's price.",
            discount_percent="Discount on a quote or order, in percent.",
            interest_points_above_base="The late interest that the message demands, in points above the central bank's rate.",
        ),
        _facts(
            FactType.INTEGER,
            done_before="How often an action of this kind was done, or is being sent, on this very record.",
            reminder_level="The level of the reminder that would be sent.",
            contacts_last_7_days="Contacts with this customer in the last seven days, over all channels.",
            local_hour="The hour of day where the recipient is, 0 to 23.",
            local_hour_earliest="The lowest hour of day in all zones where the recipient may be, 0 to 23.",
            local_hour_latest="The highest hour of day in all zones where the recipient may be, 0 to 23.",
            calls_last_7_days="Calls to this customer in the last seven days, also those nobody answered.",
            conversations_last_7_days="Calls in the last seven days in which somebody may have talked with this customer.",
            instalments="Instalments in a payment plan.",
            exceptions="How many exceptions the match found.",
        ),
        _facts(
            FactType.DAYS,
            days_overdue="Days past the due date of the oldest receivable.",
            days_since_bank_change="Days since the supplier's bank details changed in the vendor master.",
            callback_number_days="Days that the number which was called had stood in the vendor master before the request came.",
            days_dated_ahead="Days that the date on the invoice lies ahead of today; 0 where it does not.",
            days_since_last_contact="Days since the customer was last contacted.",
        ),
        _facts(
            FactType.TEXT,
            worker="The worker that proposes.",
            brain="The brain that decided, by its name and digest.",
            target_kind="The kind of record that would change.",
            reversibility="reversible, compensable or irreversible.",
            currency="The currency of the action's amount.",
            match_type="3way, 2way or consignment.",
            invoice_status="The invoice's status when it was read.",
            channel="email, sms, phone or letter.",
            intent="What a ticket is about.",
            queue="The queue a ticket would go to.",
            language="The ticket's language.",
            account_name_check="What the bank says about the name on the account: match, close_match, no_match or not_checked.",
            template="The approved template a message was filled from; empty where there is none.",
            segment="The customer's segment.",
            country="The country whose rules protect the debtor, by its two letters: US.",
            region="The state or city whose rules protect the debtor beside the country's, US-CA or US-NYC; empty where there is none.",
            personal_data="What the words that go out tell their reader about others: none, possible or certain.",
            tainted_arguments="The arguments that pick who gets money, mail or data and that only somebody's text holds.",
            tainted_quote="Those arguments with the words they stand in.",
            untraced_arguments="The arguments that pick who gets money, mail or data and that no record holds and nobody said.",
            untraced_quote="Those arguments with their values.",
            unnamed_quote="The arguments that pick who gets money, mail or data and that the operator did not name, with their values.",
            verb="What the action does: read, send, pay, create, update, delete, share, export or unknown.",
            egress_quote="What the free text would carry out unasked, with the words it stands in.",
            dictated_quote="The passage of somebody's text that the free text repeats.",
        ),
        _facts(
            FactType.FLAG,
            stopped="A kill switch is thrown over this action.",
            quality_draw="It was drawn at random for quality control.",
            recipient_from_records="The recipient comes from a system of record, not from somebody's text.",
            authority_from_records="Every argument that picks who gets money, mail or data comes from a record.",
            authority_traced="Every such argument comes from a record or from the operator's instruction.",
            authority_from_instruction="Every such argument stands in the operator's instruction, and there is one.",
            authority_named="The operator's instruction names at least one of them that says who or what, not how much.",
            verb_requested="The operator's instruction asks for what the action does.",
            destructive="The action takes something away, or nobody knows what it does.",
            egress_unrequested="Free text that leaves the house carries a code, an account, a link, a secret or a long quotation that the operator did not ask to send.",
            dictated_text="A free-text argument repeats a passage of somebody's text that the operator did not give.",
            untrusted_present="Somebody's text was read before.",
            lookalike_domain="A domain in those arguments could be taken for one in the records and is another.",
            bank_matches_master="The account on the invoice is the supplier's account in the vendor master.",
            iban_valid="Every IBAN the money goes to has its country's length and right check digits.",
            iban_country_matches="The account the money goes to is in the supplier's country.",
            callback_number_on_record="The number that was called stands in the vendor master.",
            reply_to_differs="Answers to the message would go to another address than it came from.",
            first_seen_domain="The message comes from a domain that no address on record has.",
            urgent_words="The message presses for haste or for secrecy.",
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
            consumer="The debtor is a natural person who owes for private purposes.",
            sole_trader="The debtor is a natural person in business.",
            guarantor="A natural person who guarantees the debt is contacted.",
            opted_out="A reply asked for no more messages.",
            opt_out_offered="The message says how to stop further messages.",
            written_consent="The debtor agreed in writing to electronic messages.",
            counsel="Counsel represents the debtor.",
            deceased="The debtor is marked as deceased.",
            identity_theft_claim="The debtor says that somebody else incurred the debt in their name.",
            fraud_flag="The debtor or the debt is marked for fraud.",
            moratorium="The debtor has a breathing space or another moratorium.",
            complaint_open="A complaint of the debtor is not answered yet.",
            third_party_recipient="The message or call goes to somebody who is neither the debtor nor a contact on file.",
            work_mailbox="The message goes to a mailbox at work, which others may read.",
            charges_claimed="The message demands interest, fees or damages.",
            charges_agreed="Interest, fees and damages in the message are owed by contract or statute and stand in the ledger.",
            threat_in_text="The message threatens with a court, an agency, a credit report or the like.",
            admission_in_text="The message makes the debtor admit the debt.",
            time_barred="The debt is so old that it may be time-barred.",
            validation_notice_sent="The debtor got the notice that lets them check the debt.",
            payment_in_transit="A payment is on its way.",
            unapplied_cash="Money of the customer arrived that is applied to no invoice yet.",
            credit_note_pending="A credit note on what is owed is being made.",
            delivery_unproven="It is not proven that what was billed was delivered.",
            quiet_day="It is a weekend or a public holiday where the recipient may be.",
            language_matches="The message is in the debtor's language.",
            instalments_sum_matches="The instalments add up to what is owed.",
            out_of_scope="The ticket is of no known kind.",
            approved_discount="Somebody with the authority approved the discount.",
        ),
    )
    for fact in group
}
"""Every declared fact by name."""
