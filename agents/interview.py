"""The interview: what one case asks a language model, question by question, each kept on record with its answer."""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage

from ..core.errors import BadInput, Forbidden, NotFound
from ..core.noun import Noun
from ..guardrails.redaction import Redactor
from ..tools.desk import Desk
from .allowance import Allowance, OverBudget, Spent
from .answers import Answer, parse_answer, restored
from .asking import Asker
from .failures import Down, Failed
from .prompt_file import filled
from .prompts import Prompt
from .worker import Assessment


class Exchange(Noun):
    """One question to a model and its answer, as they may be kept: with tokens in place of personal data."""

    brain: str
    """The brain with the version of its prompt."""
    source: str
    external_id: str
    revision: str
    """Source, id and revision of the ticket; together they name one case."""
    attempt: int
    prompt: str
    answer: str
    """What the model said; empty where it failed."""
    problem: str = ""
    """Why the answer could not be used; empty where it was."""
    at: datetime
    prompt_ref: str = ""
    """Name and version of the prompt's file: `case@1`."""
    prompt_digest: str = ""
    """SHA-256 of that file's content."""
    spent: Spent = Spent()
    """What it has used, repeats included."""


Recorder = Callable[[Exchange], None]
"""Keeps exchanges; what it raises stops the case, since an answer that is not on record must not count."""


class Candidate(NamedTuple):
    """An answer that holds against the records."""

    answer: Answer
    assessment: Assessment
    likelihood: float | None
    """How likely its deciding words were; None where the provider does not tell."""


class Interview:
    """One case before a language model."""

    def __init__(
        self,
        brain: str,
        asker: Asker,
        *,
        prompt: Prompt,
        desk: Desk,
        redactor: Redactor,
        allowance: Allowance,
        check: Callable[[Answer], Assessment],
        record: Recorder,
        text_first: bool = False,
        stand_in: str = "",
    ) -> None:
        """`check` makes an assessment of an answer, or raises what is wrong with it.

        `text_first` asks for text before it asks for a tool call. `stand_in` is said of a provider that stays away: who concludes instead.
        """
        self._brain = brain
        self._asker = asker
        self._prompt = prompt
        self._desk = desk
        self._redactor = redactor
        self._allowance = allowance
        self._check = check
        self._record = record
        self._stand_in = stand_in
        # A model whose structured output fails can often still write JSON.
        self._ways: tuple[bool, ...] = (False, True) if text_first else (True, False)
        self._attempt = 0
        self._complaint = ""
        self._hopeless = False
        self.problem = ""
        """What was wrong with the last answer; empty where nothing was."""

    def first(self) -> Candidate | None:
        """An answer that can be used, asked for a second time where the first cannot; None where the second cannot either.

        Raises OverBudget and Down.
        """
        for structured in self._ways:
            candidate = self._asked(structured=structured, complaint=self._complaint)
            if candidate is not None:
                self._ways = (structured,)
                return candidate
            if self._hopeless:
                break
        return None

    def another(self) -> Candidate | None:
        """One more answer to the same question; None where it cannot be used. Raises OverBudget and Down."""
        return self._asked(structured=self._ways[0])

    def _asked(self, *, structured: bool, complaint: str = "") -> Candidate | None:
        self._attempt += 1
        self.problem = self._complaint = text = ""
        messages = self._messages(complaint)
        before = self._allowance.spent
        try:
            reply = self._asker.ask(messages, self._allowance, self._desk.clock, structured=structured)
            text = reply.text
            self._allowance.check()
            answer = restored(parse_answer(text), self._prompt.tokens)
            return Candidate(answer, self._check(answer), reply.likelihood)
        except Failed as failed:
            self.problem, self._hopeless = str(failed), failed.hopeless
        except (BadInput, Forbidden, NotFound) as error:
            self.problem = error.message
            self._complaint = self._unrevealing(error.message)
        except OverBudget as over:
            self.problem = str(over)
            raise
        except Down as down:
            self.problem = f"{down}{self._stand_in}"
            raise
        finally:
            if self._allowance.spent.calls > before.calls:
                self._keep(messages, text, before)
        return None

    def _messages(self, complaint: str) -> list[BaseMessage]:
        messages: list[BaseMessage] = [SystemMessage(self._prompt.system), HumanMessage(self._prompt.case)]
        if complaint:
            messages.append(HumanMessage(filled(self._prompt.words.again, {"problem": complaint})))
        return messages

    def _keep(self, messages: list[BaseMessage], text: str, before: Spent) -> None:
        item, words = self._desk.item, self._prompt.words
        self._record(
            Exchange(
                brain=self._brain,
                source=item.source,
                external_id=item.external_id,
                revision=item.revision,
                attempt=self._attempt,
                prompt="\n\n".join(str(message.text) for message in messages),
                answer=self._redactor.hide(text),
                problem=self._unrevealing(self.problem),
                at=self._desk.clock.now(),
                prompt_ref=words.ref,
                prompt_digest=words.digest(),
                spent=self._allowance.spent.since(before),
            )
        )

    def _unrevealing(self, problem: str) -> str:
        """`problem` with tokens in place of personal data, as a model or a record may see it."""
        for token, value in self._prompt.tokens.items():
            problem = problem.replace(value, token)
        before = len(self._redactor.tokens)
        hidden = self._redactor.hide(problem)
        return hidden if len(self._redactor.tokens) == before else "It does not fit the case."
