"""How sure a language model is of what it proposes: read from its log-probabilities, from its agreement with itself, or from its words.

None of these is a probability of being right. Reviewed cases tell what each is worth (`Meaning`); until they do, nobody can say.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any

from langchain_core.messages import AIMessage
from pydantic import Field

from ..connectors.base import Operation
from ..core.noun import Noun, canonical_json
from .worker import Assessment

DECIDING = ("action", "target_id")
"""The fields of an answer that decide; how its reasons are worded says nothing about how sure it is."""

MAX_WORDS = 3
"""An argument of more words is prose, which may differ between two answers that agree."""


class Method(StrEnum):
    """Where a number came from."""

    LOGPROBS = "logprobs"
    """How likely the words of the operation and of the target were."""
    SAMPLES = "samples"
    """The share of several answers that agree."""
    STATED = "stated"
    """The number that the model wrote."""


class Sureness(Noun):
    """How sure a model says it is of one proposal."""

    value: float = Field(ge=0, le=1)
    method: Method
    worker: str = ""
    kind: str = ""
    """The operation that it proposes."""
    brain: str = ""
    """The brain, as the envelope names it."""
    samples: int = 1
    """How many answers were compared."""

    def told(self, meaning: float | None) -> str:
        """One sentence for the approver; `meaning` is what reviewed cases say that the number is worth."""
        said = f"The model says it is {self.value:.0%} sure"
        if self.method is Method.SAMPLES:
            said = f"{round(self.value * self.samples)} of {self.samples} answers of the model agree"
        elif self.method is Method.LOGPROBS:
            said = f"The model's words were {self.value:.0%} likely"
        return f"({said}; {'nothing certifies that' if meaning is None else f'reviewed cases make that {meaning:.0%}'}.)"


Meaning = Callable[[Sureness], float | None]
"""What a number was worth in reviewed cases, 0 to 1; None where they cannot say."""


def meant(sureness: Sureness | None, meaning: Meaning) -> float | None:
    """What a number is worth; None where nobody can say, or where what was said is no share of 1."""
    value = None if sureness is None else meaning(sureness)
    return value if value is not None and math.isfinite(value) and 0 <= value <= 1 else None


def unknown(_: Sureness) -> None:
    """The meaning of any number while no case was reviewed."""


def likelihood(message: AIMessage) -> float | None:
    """How likely the deciding words of an answer were; None where the provider tells no log-probabilities of them.

    The product over the tokens in which the values of `action` and `target_id` stand, as in `response_metadata["logprobs"]` of
    models that speak OpenAI's protocol.
    """
    tokens = _tokens(message.response_metadata.get("logprobs"))
    text = "".join(token for token, _ in tokens)
    places = _places(text)
    if not all(name in places for name in DECIDING):
        return None
    total, at = 0.0, 0
    for token, logprob in tokens:
        end = at + len(token)
        if any(at < places[name][1] and end > places[name][0] for name in DECIDING):
            total += logprob
        at = end
    # A little above 0 is what rounding makes of certainty.
    return math.exp(min(0.0, total)) if math.isfinite(total) else None


def _tokens(told: Any) -> list[tuple[str, float]]:
    """Tokens with their log-probabilities; empty where one of them cannot be read."""
    listed = told.get("content") if isinstance(told, Mapping) else told
    if not isinstance(listed, Sequence) or isinstance(listed, str):
        return []
    found: list[tuple[str, float]] = []
    for one in listed:
        token, value = (one.get("token"), one.get("logprob")) if isinstance(one, Mapping) else (None, None)
        if not isinstance(token, str) or not isinstance(value, int | float):
            return []
        found.append((token, float(value)))
    return found


def _places(text: str) -> dict[str, tuple[int, int]]:
    """Where the value of each field of the first JSON object in `text` begins and ends."""
    places: dict[str, tuple[int, int]] = {}
    decoder = json.JSONDecoder()
    at = text.find("{") + 1
    try:
        while at > 0 and text[_after(text, at, ",")] == '"':
            name, end = decoder.raw_decode(text, _after(text, at, ","))
            start = _after(text, end, ":")
            _, at = decoder.raw_decode(text, start)
            if name in places:
                return {}
            places[name] = (start, at)
    except (ValueError, IndexError, RecursionError):
        return {}
    return places


def _after(text: str, at: int, mark: str) -> int:
    """The place of the next thing after white space and at most one `mark`."""
    found = re.compile(rf"\s*{mark}?\s*").match(text, at)
    return found.end() if found else at


def agreed(assessments: Sequence[Assessment | None], operation_of: Callable[[str], Operation]) -> tuple[int, int]:
    """The place of the one that most agree with, the earliest of equals, and how many do; None stands for what cannot be used."""
    keys = [None if one is None else decision(one, operation_of) for one in assessments]
    key, votes = Counter(key for key in keys if key is not None).most_common(1)[0]
    return keys.index(key), votes


def decision(assessment: Assessment, operation_of: Callable[[str], Operation]) -> str:
    """What is decided, as text: equal for answers that would do the same, however they word it."""
    if assessment.question or not assessment.proposals:
        return "question" if assessment.question else "nothing"
    action = assessment.proposals[0].action
    operation = operation_of(action.kind)
    told = {name: value for name, value in action.arguments.items() if _decides(name, value, operation)}
    amount = None if action.amount is None else [action.amount.amount.normalize(), action.amount.currency]
    return canonical_json([action.kind, action.target.id, amount, told])


def _decides(name: str, value: Any, operation: Operation) -> bool:
    if name == operation.money:
        return False
    picks = name in operation.authority or name.endswith(("_id", "_ids"))
    return picks or not isinstance(value, str) or len(value.split()) <= MAX_WORDS
