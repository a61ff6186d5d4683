"""Language models as brains: any LangChain chat model, asked for one answer that is checked before it counts.

A model that rambles, wants something it may not want, or needs more than the case may cost leads to a question for a person, never to
a guess. Where its provider stays away, the worker's own rules conclude, and the envelope names them as its brain.
"""

import time
from collections.abc import Callable, Sequence
from threading import Lock

from langchain_core.language_models import BaseChatModel

from ..core.action import Proposal
from ..core.case import TicketItem
from ..core.errors import SettingsError
from ..core.model_settings import ModelSettings
from ..core.noun import Noun, digest
from ..guardrails.personal_data import Recogniser
from ..guardrails.redaction import SHIPPED, Redactor
from ..tools.desk import Desk
from .allowance import Allowance, OverBudget, Spent
from .answers import Answer, proposed
from .asking import Asker, Wait
from .brain import EmbeddedBrain
from .failures import Down
from .interview import Candidate, Exchange, Interview, Recorder
from .parties import known_values
from .prompt_file import PromptFile, shipped_prompt
from .prompts import ANSWER_SCHEMA, Prompt, build_prompt
from .providers import chat_model
from .sureness import Meaning, Method, Sureness, agreed, meant, unknown
from .worker import Assessment, Worker

__all__ = ["Counts", "Exchange", "LlmBrain", "Recorder", "chat_model"]


class Counts(Noun):
    """What a brain has done since the process began."""

    cases: int = 0
    calls: int = 0
    tokens: int = 0
    fallbacks: int = 0
    """Cases on which the provider stayed away."""
    over_budget: int = 0
    """Cases that went to a person because they would have cost too much."""


class LlmBrain:
    """A brain that asks a language model, and holds its answer against the records and the worker's own reasoning."""

    def __init__(
        self,
        model: BaseChatModel,
        name: str,
        *,
        record: Recorder | None = None,
        recognisers: Sequence[Recogniser] = (),
        models: ModelSettings | None = None,
        meaning: Meaning = unknown,
        before: Callable[[TicketItem], Spent] = lambda _: Spent(),
        wait: Wait = time.sleep,
    ) -> None:
        """`name` is what it was made as: `provider:model`.

        `recognisers` look for personal data beside our own, before anything goes to the model. `meaning` says what a number is worth in
        reviewed cases; by default nobody can say, and no lane opens. `before` tells what earlier looks at a case have used. Raises
        SettingsError where the budget is in money and the model has no price.
        """
        self._models = models or ModelSettings()
        self._price = self._models.prices.get(name)
        if self._models.budget.money is not None and self._price is None:
            raise SettingsError(
                f"models.budget.money: nothing says what {name} costs.", hint=f"Add it under models.prices as {name!r}."
            )
        self._recognisers = (*SHIPPED, *recognisers)
        self._asker = Asker(model, retries=self._models.retries, wait=wait)
        self._spec = name
        self._record = record or (lambda _: None)
        self._meaning = meaning
        self._before = before
        self._counts = Counts()
        self._lock = Lock()

    @property
    def name(self) -> str:
        """Its name with the shipped prompt; a case of a playbook with its own has that on its envelope."""
        return self._named(shipped_prompt())

    @property
    def counts(self) -> Counts:
        """What it has done so far."""
        with self._lock:
            return self._counts

    def assess(self, worker: Worker, desk: Desk, findings: object) -> Assessment:
        """What the model concludes; a question for a person where its answer cannot be used."""
        embedded = worker.assess(desk, findings)
        redactor = Redactor(known_values(desk), self._recognisers)
        prompt = build_prompt(worker.playbook, desk, redactor)
        before = self._before(desk.item)
        allowance = Allowance(self._models.budget, self._price, desk.clock, before)
        interview = self._interview(worker, desk, embedded, prompt, redactor, allowance)
        brain = self._named(prompt.words)
        down = over = False
        try:
            return self._concluded(interview, worker, desk, embedded, brain)
        except OverBudget as error:
            over = True
            asked = _asking(f"{_sentence(str(error))} Please settle this case. {_otherwise(embedded)}", embedded)
            return asked.model_copy(update={"brain": brain})
        except Down as error:
            down = True
            return self._without_model(str(error), embedded, brain)
        finally:
            self._count(allowance.spent.since(before), down=down, over=over)

    def _interview(
        self, worker: Worker, desk: Desk, embedded: Assessment, prompt: Prompt, redactor: Redactor, allowance: Allowance
    ) -> Interview:
        stand_in = f"; {_own_name(embedded)} stepped in" if self._models.fallback == "embedded" else ""
        return Interview(
            self._named(prompt.words),
            self._asker,
            prompt=prompt,
            desk=desk,
            redactor=redactor,
            allowance=allowance,
            check=lambda answer: _checked(answer, worker, desk, embedded),
            record=self._record,
            text_first=self._models.logprobs,
            stand_in=stand_in,
        )

    def _concluded(self, interview: Interview, worker: Worker, desk: Desk, embedded: Assessment, brain: str) -> Assessment:
        first = interview.first()
        if first is None:
            return _unanswered(self._spec, interview.problem, embedded).model_copy(update={"brain": brain})
        chosen, value, method = self._weighed(interview, first, desk)
        if not chosen.proposals or value is None:
            return chosen.model_copy(update={"brain": brain})
        # What a number is worth depends on where it came from, so each way has certificates of its own.
        brain = f"{brain}+{method}"
        kind = chosen.proposals[0].action.kind
        sureness = Sureness(
            value=value, method=method, worker=worker.name, kind=kind, brain=brain, samples=self._models.samples
        )
        said = _said(chosen.proposals[0], sureness, meant(sureness, self._meaning))
        return chosen.model_copy(update={"proposals": (said,), "brain": brain})

    def _weighed(self, interview: Interview, first: Candidate, desk: Desk) -> tuple[Assessment, float | None, Method]:
        """What is concluded, how sure the model says it is, and where that number comes from."""
        if first.likelihood is not None:
            return first.assessment, first.likelihood, Method.LOGPROBS
        if self._models.samples == 1 or not (first.answer.action and first.assessment.proposals):
            return first.assessment, first.answer.confidence, Method.STATED
        answers = [first, *(interview.another() for _ in range(self._models.samples - 1))]
        assessments = [None if one is None else one.assessment for one in answers]
        place, votes = agreed(assessments, desk.operation)
        return assessments[place] or first.assessment, votes / len(answers), Method.SAMPLES

    def _without_model(self, problem: str, embedded: Assessment, brain: str) -> Assessment:
        if self._models.fallback == "person":
            return _unanswered(self._spec, problem, embedded).model_copy(update={"brain": brain})
        note = f"{self._spec} could not be reached; the worker's own rules concluded."
        proposals = tuple(one.model_copy(update={"rationale": f"{one.rationale} ({note})"}) for one in embedded.proposals)
        update = {
            "brain": _own_name(embedded),
            "proposals": proposals,
            "question": f"{embedded.question} ({note})" if embedded.question else "",
            "summary": f"{embedded.summary} {note}".strip(),
        }
        return embedded.model_copy(update=update)

    def _named(self, words: PromptFile) -> str:
        """`provider:model~case@1-<digest>`: whatever changes its answers or what its numbers mean changes its name."""
        decides = [words.digest(), ANSWER_SCHEMA, self._models.samples, self._models.logprobs, self._models.options]
        return f"{self._spec}~{words.ref}-{digest(decides)[:12]}"

    def _count(self, spent: Spent, *, down: bool, over: bool) -> None:
        with self._lock:
            old = self._counts
            self._counts = Counts(
                cases=old.cases + 1,
                calls=old.calls + spent.calls,
                tokens=old.tokens + spent.tokens,
                fallbacks=old.fallbacks + down,
                over_budget=old.over_budget + over,
            )


def _checked(answer: Answer, worker: Worker, desk: Desk, embedded: Assessment) -> Assessment:
    """What an answer comes to; raises BadInput, Forbidden or NotFound where it may not be one."""
    if answer.question.strip():
        leaning = f" (It leaned towards {answer.action} on {answer.target_id}.)" if answer.action else ""
        return _asking(f"{answer.question.strip()}{leaning}", embedded)
    if answer.action:
        proposal = proposed(answer, worker.playbook, desk, embedded.proposals)
        return embedded.model_copy(update={"proposals": (_compared(proposal, embedded),), "question": ""})
    if embedded.proposals or embedded.question:
        # A text that talks a model into doing nothing must not close the case over what the records say.
        return _asking(
            f"The model would do nothing: {answer.rationale or 'it gave no reason'}. {_otherwise(embedded)}", embedded
        )
    return embedded


def _said(proposal: Proposal, sureness: Sureness, confidence: float | None) -> Proposal:
    rationale = f"{proposal.rationale} {sureness.told(confidence)}"
    return proposal.model_copy(update={"confidence": confidence, "said": sureness.value, "rationale": rationale})


def _compared(proposal: Proposal, embedded: Assessment) -> Proposal:
    agreed_on = [one.action for one in embedded.proposals] == [proposal.action]
    if agreed_on and not embedded.question:
        return proposal
    return proposal.model_copy(update={"rationale": f"{proposal.rationale} {_otherwise(embedded)}"})


def _otherwise(embedded: Assessment) -> str:
    """What the worker's own rules conclude, in one sentence."""
    if embedded.question:
        return f"The worker's own rules would ask: {embedded.question}"
    named = ", ".join(f"{one.action.kind} on {one.action.target.kind} {one.action.target.id}" for one in embedded.proposals)
    return f"The worker's own rules would propose: {named or 'nothing'}."


def _unanswered(name: str, problem: str, embedded: Assessment) -> Assessment:
    said = problem.rstrip(".")
    return _asking(f"{name} gave no answer that can be used: {said}. Please settle this case. {_otherwise(embedded)}", embedded)


def _asking(question: str, embedded: Assessment) -> Assessment:
    return Assessment(question=question, summary=embedded.summary)


def _own_name(embedded: Assessment) -> str:
    """The brain of the worker's own rules, as its envelopes name it."""
    return embedded.brain or EmbeddedBrain().name


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
