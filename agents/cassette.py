"""Record and replay: a model's answers are kept in a file, and given again to equal questions without the model.

`live` only asks, `record` asks what the file does not know and keeps it, `replay` answers from the file alone, and
`replay-strict` also wants every recording used and young enough, and those of one conversation in their order. Conversations
have no order among themselves, since cases are taken up in another one every time.
"""

import json
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import date, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.clock import Clock, SystemClock
from ..core.errors import BadInput, CassetteError
from ..core.noun import plain
from ..guardrails.personal_data import Recogniser
from ..guardrails.redaction import SHIPPED, Redactor, restore
from .cassette_file import (
    ModelReply,
    Recording,
    Tape,
    head_block,
    hidden,
    read_tape,
    recording_block,
    refuse_secrets,
    write_tape,
)
from .cassette_request import Request, first_difference, settings_that_count, strings
from .no_sockets import no_sockets

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel


class Mode(StrEnum):
    """Where answers come from."""

    LIVE = "live"
    RECORD = "record"
    REPLAY = "replay"
    STRICT = "replay-strict"


class Question:
    """One question as it may be kept, and the way back to the personal data in it."""

    def __init__(self, request: Request, recognisers: Iterable[Recogniser] = SHIPPED) -> None:
        self._redactor = Redactor(recognisers=recognisers)
        bare = request.bare()
        # Tokens that stand in a later message are kept apart from ours before the first of ours is given out.
        for text in strings(bare):
            self._redactor.reserve(text)
        self.request = Request.model_validate(hidden(bare, self._redactor.hide))
        self._tokens = dict(self._redactor.tokens)

    def hidden(self, answer: ModelReply) -> ModelReply:
        """The answer with tokens for personal data: the question's own where it stood there."""
        kept: dict[str, Any] = plain(answer.model_dump(exclude={"logprobs"}))
        return ModelReply(**hidden(kept, self._redactor.hide), logprobs=self._harmless(answer.logprobs))

    def shown(self, answer: ModelReply) -> ModelReply:
        """A kept answer with what its tokens stand for in this question; what the model made up stays a token."""
        return ModelReply.model_validate(hidden(plain(answer.model_dump()), lambda text: restore(text, self._tokens)))

    def _harmless(self, logprobs: str) -> str:
        """The tokens, where they hold no personal data: cut into pieces it would not be found there again."""
        text = "".join(str(token) for token, _ in json.loads(logprobs or "[]"))
        return logprobs if self._redactor.hide(text) == text else ""


class Cassette:
    """The recordings of one file while it is in use; one instance serves many models and threads."""

    def __init__(
        self,
        path: Path,
        mode: Mode,
        *,
        clock: Clock | None = None,
        max_age_days: int | None = None,
        recognisers: Iterable[Recogniser] = (),
    ) -> None:
        """Raises CassetteError where the file is missing, damaged, or too old for a strict replay; a recording may begin a new one."""
        self.path = path
        self.mode = mode
        self.max_age_days = max_age_days
        self.problems: list[CassetteError] = []
        """Every question so far that had no recording, and every answer that could not be kept."""
        self._clock = clock or SystemClock()
        self._recognisers = (*SHIPPED, *recognisers)
        self._lock = threading.Lock()
        unused = mode is Mode.LIVE or (mode is Mode.RECORD and not path.exists())
        tape = Tape() if unused else read_tape(path)
        self._on_disk = _content(path)
        self._recordings = list(tape.recordings)
        self._text_only = set(tape.text_only)
        self._blocks = [recording_block(one) for one in tape.recordings] if mode is Mode.RECORD else []
        self._places: defaultdict[str, list[int]] = defaultdict(list)
        self._talks: defaultdict[str, list[int]] = defaultdict(list)
        """The recordings of each conversation, in order; those that were given are taken out."""
        for place, one in enumerate(self._recordings):
            self._places[one.key].append(place)
            self._talks[one.request.opening].append(place)
        self._used: Counter[str] = Counter()
        if mode is Mode.STRICT and (old := self._old()):
            raise CassetteError(old, hint="Record it anew.")

    @property
    def replaying(self) -> bool:
        """Whether answers come from the file alone."""
        return self.mode in (Mode.REPLAY, Mode.STRICT)

    def model(self, name: str, make: Callable[[], "BaseChatModel"], settings: Mapping[str, Any]) -> "BaseChatModel":
        """The model called `name` behind this cassette; `make` is called only where the model itself is asked.

        `settings` are those that the model is made with; what changes no answer among them is left out.
        """
        # LangChain is imported only by those who use a model.
        from .cassette_model import CassetteModel

        if self.mode is Mode.LIVE:
            return make()
        inner = None if self.replaying else make()
        return CassetteModel(cassette=self, called=name, parameters=settings_that_count(settings), inner=inner)

    def sealed(self, resolving: Iterable[str] = ()) -> AbstractContextManager[None]:
        """While it is open no connection can be opened in this process, where the mode is a replay; see `no_sockets`."""
        return no_sockets(resolving) if self.replaying else nullcontext()

    def question(self, request: Request) -> Question:
        """The question as it may be kept; raises CassetteError where it holds a secret."""
        found = Question(request, self._recognisers)
        if not self.replaying:
            # Before it is asked, since an answer that cannot be kept would be paid for nothing.
            with self._noting():
                refuse_secrets(request)
        return found

    def recorded(self, question: Question) -> ModelReply | None:
        """The next recorded answer to a question; None where the model is to be asked.

        Raises CassetteError in a replay where there is none, or a strict one is asked out of a conversation's order.
        """
        key = question.request.key
        with self._lock:
            place = self._place(key)
            if place is None and not self.replaying:
                return None
            talk = self._talks[question.request.opening]
            if place is None or (self.mode is Mode.STRICT and place != talk[0]):
                self.problems.append(self._missed(question.request, place))
                raise self.problems[-1]
            self._used[key] += 1
            talk.remove(place)
            return question.shown(self._recordings[place].answer)

    def keep(self, question: Question, answer: ModelReply) -> ModelReply:
        """Keep a model's answer in the file, and return it as a replay will give it.

        Raises CassetteError, and writes nothing, where it holds a secret or the file was changed by somebody else.
        """
        with self._noting():
            refuse_secrets(answer)
            one = Recording(
                key=question.request.key, recorded=self._today(), request=question.request, answer=question.hidden(answer)
            )
            block = recording_block(one)
            with self._lock:
                self._write([*self._blocks, block], self._text_only)
                self._blocks.append(block)
                self._recordings.append(one)
                self._places[one.key].append(len(self._recordings) - 1)
                self._used[one.key] = len(self._places[one.key])
        return question.shown(one.answer)

    def takes_tools(self, model: str) -> bool:
        """Whether the model called `model` may be asked for structured output, as far as the file knows."""
        with self._lock:
            return model not in self._text_only

    def keep_text_only(self, model: str) -> None:
        """Keep in the file that the model called `model` takes no tools."""
        with self._lock:
            if model not in self._text_only:
                self._write(self._blocks, {*self._text_only, model})
                self._text_only.add(model)

    def notes(self) -> tuple[str, ...]:
        """What a person should know of the run so far: recordings that nobody asked for, and old ones."""
        left = self._unused()
        unused = f"{self.path}: {left} of {len(self._recordings)} recordings {'was' if left == 1 else 'were'} not asked for."
        return tuple(note for note in (unused if left and self.mode is not Mode.LIVE else "", self._old()) if note)

    def finish(self) -> tuple[str, ...]:
        """The notes of a run that is over.

        Raises CassetteError where a question had no recording or an answer could not be kept, also where somebody took that error
        for the model's, and in a strict replay where a recording was not asked for.
        """
        if self.problems:
            raise self.problems[0]
        if self.mode is Mode.STRICT and self._unused():
            raise CassetteError(self.notes()[0], hint="Take them out of the file, or use --mode replay.")
        return self.notes()

    @contextmanager
    def _noting(self) -> Iterator[None]:
        """Remember what goes wrong, so that `finish` tells of it whatever becomes of the error."""
        try:
            yield
        except CassetteError as error:
            self.problems.append(error)
            raise

    def _unused(self) -> int:
        with self._lock:
            return len(self._recordings) - self._used.total()

    def _old(self) -> str:
        if self.max_age_days is None or self.mode is Mode.LIVE:
            return ""
        last = self._today() - timedelta(days=self.max_age_days)
        old = [one.recorded for one in self._recordings if one.recorded < last]
        count = f"{len(old)} of {len(self._recordings)} recordings {'is' if len(old) == 1 else 'are'}"
        return f"{self.path}: {count} older than {self.max_age_days} days, the oldest of {min(old)}." if old else ""

    def _today(self) -> date:
        return self._clock.now().date()

    def _place(self, key: str) -> int | None:
        places, used = self._places.get(key, []), self._used[key]
        return places[used] if used < len(places) else None

    def _missed(self, asked: Request, place: int | None) -> CassetteError:
        said = f"{self.path}: {asked.model} was asked what is not recorded (question {asked.key[:12]}…)"
        if place is not None:
            due = self._talks[asked.opening][0]
            said = f"{self.path}: the question of recording {place + 1} came where that of recording {due + 1} was next"
            return CassetteError(f"{said}.", hint="Record it anew, or use --mode replay.")
        hint = "Record it: the same command with --mode record."
        if times := len(self._places.get(asked.key, [])):
            return CassetteError(
                f"{said}: {times} answer{'s are' if times > 1 else ' is'} recorded, and it was asked once more.", hint=hint
            )
        near = _nearest(asked, self._recordings)
        if near is None:
            return CassetteError(f"{said}, and the file holds no recording.", hint=hint)
        one = self._recordings[near]
        path, before, now = first_difference(one.request.bare(), asked.bare())
        return CassetteError(
            f"{said}. The nearest is recording {near + 1} ({one.key[:12]}…), which differs first at {path}: "
            f"recorded {before!r}, asked {now!r}.",
            hint=hint,
        )

    def _write(self, blocks: list[str], text_only: set[str]) -> None:
        if _content(self.path) != self._on_disk:
            raise CassetteError(f"{self.path} was changed by somebody else since it was read.", hint="Record again.")
        write_tape(self.path, [head_block(text_only), *blocks])
        self._on_disk = _content(self.path)


def open_cassette(path: Path, mode: str, **settings: Any) -> Cassette:
    """The cassette at `path`; raises BadInput where `mode` is none, CassetteError as `Cassette` does."""
    try:
        chosen = Mode(mode)
    except ValueError as error:
        raise BadInput(f"{mode!r} is no mode.", hint=f"Use {', '.join(Mode)}.") from error
    if settings.get("max_age_days") is not None and settings["max_age_days"] < 0:
        raise BadInput("An age limit counts days from 0.", hint="Give --max-age-days a number from 0.")
    return Cassette(path, chosen, **settings)


def _nearest(asked: Request, recordings: list[Recording]) -> int | None:
    """Which recording's question shares most of its lines with `asked`; those of the same model come first."""
    wanted = _lines(asked)

    def shared(place: int) -> tuple[bool, int]:
        other = recordings[place].request
        return other.model == asked.model, sum(len(line) for line in (wanted & _lines(other)).elements())

    return max(range(len(recordings)), key=shared, default=None)


def _lines(request: Request) -> Counter[str]:
    return Counter(line for text in strings(request.bare()) for line in text.splitlines())


def _content(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""
