"""Tool guard: any LangChain tool behind lanes, for an agent that is not ours.

Knows no framework: the guarded tool is the same object in a subclass made on the spot, with its name, description and schema, whose
`_run` and `_arun` ask the policy first. What a tool answers is kept as evidence for the calls after it.
"""

import asyncio
import inspect
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from copy import copy
from decimal import Decimal, InvalidOperation
from functools import wraps
from pathlib import Path
from threading import Lock
from typing import Any, Literal, TypeVar

from ..core.clock import Clock, SystemClock
from ..core.errors import BadInput, Forbidden
from ..core.evidence import Trust
from ..core.money import Money
from ..core.noun import Noun
from ..core.verdict import Lane, Verdict
from .gateway import Call, Line, judged, output, starter_policy
from .instruction import own_words
from .labels import Labels, labelled
from .policy import Policy, load_policy
from .tool_values import answered, gathered, given_by_agent, parsed
from .tracing import Sources

T = TypeVar("T")


class Question(Noun):
    """What a person is asked before a reviewed call runs."""

    kind: str
    """The tool's name."""
    args: dict[str, Any]
    verdict: Verdict
    """Its reasons name the tainted arguments and quote the words they stand in."""

    def __str__(self) -> str:
        reasons = "\n".join(f"  {hit.rule}: {hit.reason}" for hit in self.verdict.hits)
        return f"{self.kind} {json.dumps(self.args, ensure_ascii=False)}\n{reasons}"


Ask = Callable[[Question], bool | Awaitable[bool]]
"""Asks a person; only a plain True lets the call run. It may be a coroutine function."""


class Watch:
    """One run of an agent under guard: what its operator asked, what it read, and every verdict."""

    def __init__(
        self,
        instruction: str,
        *,
        policy: Policy | Path | str | None = None,
        ask: Ask | None = None,
        worker: str = "",
        confidence: float | None = 1.0,
        clock: Clock | None = None,
    ) -> None:
        """`instruction` is the operator's own words; `policy` the starter policy, another one or its file.

        `confidence` is how sure the agent is, where it can say; None makes every call wait for a person.
        """
        self.policy = policy if isinstance(policy, Policy) else load_policy(Path(policy)) if policy else starter_policy()
        self.ask = ask
        self.verdicts: list[dict[str, Any]] = []
        """One line for each call, as the gate writes them."""
        self._instruction, self._worker, self._confidence = instruction, worker, confidence
        self._clock = clock or SystemClock()
        self._sources = Sources(instruction=own_words(instruction))
        self._lock = Lock()

    def read(self, name: str, value: Any, trust: Labels = Trust.UNTRUSTED, *, source: str = "") -> None:
        """Take a value that the agent has seen; without labels it is somebody's text."""
        with self._lock:
            for one in labelled(name, answered(value), trust, source=source or name, read_at=self._clock.now()):
                self._sources.add(one)

    def judge(
        self, kind: str, args: Mapping[str, Any], *, authority: Sequence[str] | None = None, amount: Money | None = None
    ) -> Verdict:
        """The verdict on one call, kept among `verdicts`."""
        with self._lock:
            line = Line(
                id=str(len(self.verdicts) + 1),
                worker=self._worker,
                instruction=self._instruction,
                action=Call(kind=kind, args=parsed(dict(args))),
                authority=None if authority is None else tuple(authority),
                confidence=self._confidence,
            )
            verdict = judged(self.policy, line, self._sources, self._clock, amount=amount)
            self.verdicts.append(output(line.id, verdict, self.policy))
        return verdict

    def refusal(self, kind: str, verdict: Verdict) -> str:
        """Why a call did not run, for the agent: the policy's words, without the text that was quoted to the person."""
        reasons = "; ".join(
            f"{hit.rule}: {rule.reason if (rule := self.policy.rule(hit.rule)) else hit.reason}"
            + (f" ({hit.actual})" if hit.actual not in ("", "yes", "no") else "")
            for hit in verdict.hits
            if hit.lane is verdict.lane
        )
        who = "The policy prohibits it." if verdict.lane is Lane.PROHIBITED else "It needs a person, and none has said yes."
        return f"{kind} did not run; nothing was changed. {who} {reasons} Do not try another way; tell the operator."


class _Guard:
    """What is asked before and kept after each call of one tool."""

    def __init__(
        self, tool: Any, watch: Watch, authority: Sequence[str] | None, labels: Labels, kind: str, money: tuple[str, str] | None
    ) -> None:
        self.tool, self.watch, self.authority, self.labels = tool, watch, authority, labels
        self.kind, self.money = kind or str(tool.name), money

    def args(self, given: tuple[Any, ...], named: Mapping[str, Any]) -> dict[str, Any]:
        known = list(self.tool.args)
        return dict(zip(known, given, strict=False)) | {name: named[name] for name in given_by_agent(self.tool, named)}

    def question(self, args: Mapping[str, Any]) -> Question:
        verdict = self.watch.judge(self.kind, args, authority=self.authority, amount=self._amount(args))
        return Question(kind=self.kind, args=parsed(args), verdict=verdict)

    def _amount(self, args: Mapping[str, Any]) -> Money | None:
        if self.money is None or args.get(self.money[0]) is None:
            return None
        value, currency = args[self.money[0]], str(args.get(self.money[1], self.money[1]))
        try:
            return Money.of(Decimal(str(value)), currency)
        except InvalidOperation as error:
            raise BadInput(f"{self.money[0]}: {value!r} is no amount.", hint="Give a number.") from error

    def keep(self, answer: Any) -> Any:
        """Take what the tool says as read, and hand it on; of what comes piece by piece each one, and in the end the whole."""
        if inspect.isgenerator(answer):
            return self._as_it_comes(answer)
        if inspect.isasyncgen(answer):
            return self._as_it_comes_later(answer)
        with_artifact = getattr(self.tool, "response_format", "content") == "content_and_artifact"
        content = answer[0] if with_artifact and isinstance(answer, tuple) and answer else answer
        self.watch.read(self.kind, content, self.labels, source=f"tool:{self.kind}")
        return answer

    def keep_error(self, error: Exception) -> None:
        """Take an error as read: its words may be anybody's, and the agent is told them."""
        self.watch.read(self.kind, str(error), source=f"tool:{self.kind}")

    def _as_it_comes(self, answer: Iterator[Any]) -> Iterator[Any]:
        with gathered(self.keep, self.keep_error) as pieces:
            for piece in answer:
                pieces.append(self.keep(piece))
                yield piece

    async def _as_it_comes_later(self, answer: AsyncIterator[Any]) -> AsyncIterator[Any]:
        with gathered(self.keep, self.keep_error) as pieces:
            async for piece in answer:
                pieces.append(self.keep(piece))
                yield piece


_INSIDE: ContextVar[tuple[_Guard, dict[str, Any]] | None] = ContextVar("the call that runs", default=None)


def guard(
    tool: T,
    *,
    watch: Watch | None = None,
    policy: Policy | Path | str | None = None,
    instruction: str = "",
    authority: Sequence[str] | None = None,
    records: Sequence[str] | bool = (),
    ask: Ask | None = None,
    kind: str = "",
    money: tuple[str, str] | None = None,
    refuse: Literal["answer", "raise"] = "answer",
) -> T:
    """`tool`, a LangChain tool, with every call put into a lane first; the tool that was given is left as it is.

    Allowed calls run, reviewed ones run where `ask` says True, prohibited ones never do. One `watch` is shared by the tools of a
    run, so that each knows what the others read; without one, `instruction`, `policy` and `ask` make a watch of its own.

    Args:
        tool: Any LangChain tool.
        watch: The run it belongs to.
        policy: See `Watch`.
        instruction: What the operator asked, in their own words; nothing that the agent read.
        authority: The arguments that pick who gets money, mail or data, or which record is touched. Addresses, links and accounts
            are found without it; where it is not given, every argument of a write counts that is not known to be text.
        records: Patterns of the fields in the tool's answer that are a system's own (`id`, `sender`); True for all of them.
        ask: Asks a person about a reviewed call.
        kind: The kind of action, where the tool's name does not say what it does.
        money: The argument with the amount, and its currency or the argument with the currency.
        refuse: `answer` tells the agent in the tool's answer that it did not run; `raise` raises Forbidden.
    """
    labels: Labels = dict.fromkeys(records, Trust.RECORD) if not isinstance(records, bool) else _whole(records)
    held = _Guard(tool, watch or Watch(instruction, policy=policy, ask=ask), authority, labels, kind, money)
    guarded = copy(tool)
    # Assigning the class keeps every field and private attribute, whatever the tool's own constructor asks for.
    object.__setattr__(guarded, "__class__", _class_of(type(tool), held, raises=refuse == "raise"))
    return guarded


def _whole(records: bool) -> Trust:
    return Trust.RECORD if records else Trust.UNTRUSTED


def _class_of(base: type, held: _Guard, *, raises: bool) -> type:
    run, arun = base._run, base._arun  # type: ignore[attr-defined]

    @wraps(run)
    def _run(self: Any, *given: Any, **named: Any) -> Any:
        args = held.args(given, named)
        if _INSIDE.get() == (held, args):
            return run(self, *given, **named)
        question = held.question(args)
        if not _may_run(held, question):
            return _refused(self, held, question, raises=raises)
        with _inside(held, args):
            answer = run(self, *given, **named)
        return held.keep(answer)

    @wraps(arun)
    async def _arun(self: Any, *given: Any, **named: Any) -> Any:
        args = held.args(given, named)
        if _INSIDE.get() == (held, args):
            return await arun(self, *given, **named)
        question = held.question(args)
        if not await _may_run_later(held, question):
            return _refused(self, held, question, raises=raises)
        with _inside(held, args):
            answer = await arun(self, *given, **named)
        return held.keep(answer)

    methods = {"_run": _run} if _runs_in_a_thread(base) else {"_run": _run, "_arun": _arun}
    return type(f"Guarded{base.__name__}", (base,), {**methods, "__module__": base.__module__})


def _runs_in_a_thread(base: type) -> bool:
    """Whether the tool has no `_arun` of its own, so that LangChain's calls `_run`, and looks at the signature of that."""
    owner = next(one for one in base.__mro__ if "_arun" in vars(one))
    return bool(getattr(vars(owner).get("_run"), "__isabstractmethod__", False))


@contextmanager
def _inside(held: _Guard, args: dict[str, Any]) -> Iterator[None]:
    # A tool that only knows `_run` runs it from `_arun`, in another thread with this context: it is one call. Any other guarded
    # call in there, of another tool or with other arguments, is judged for itself.
    token = _INSIDE.set((held, args))
    try:
        yield
    except Exception as error:
        held.keep_error(error)
        raise
    finally:
        _INSIDE.reset(token)


def _may_run(held: _Guard, question: Question) -> bool:
    if question.verdict.lane is not Lane.REVIEWED or held.watch.ask is None:
        return question.verdict.lane is Lane.ALLOWED
    answer = held.watch.ask(question)
    return (_waited_for(answer) if inspect.iscoroutine(answer) else answer) is True


def _waited_for(answer: Coroutine[Any, Any, bool]) -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(answer)
    # In the thread of a running loop nobody can wait for it: that is no yes.
    answer.close()
    return False


async def _may_run_later(held: _Guard, question: Question) -> bool:
    if question.verdict.lane is not Lane.REVIEWED or held.watch.ask is None:
        return question.verdict.lane is Lane.ALLOWED
    answer = held.watch.ask(question)
    return (await answer if inspect.isawaitable(answer) else answer) is True


def _refused(tool: Any, held: _Guard, question: Question, *, raises: bool) -> Any:
    text = held.watch.refusal(question.kind, question.verdict)
    if raises:
        raise Forbidden(text, hint="Ask the operator.")
    return (text, None) if getattr(tool, "response_format", "content") == "content_and_artifact" else text
