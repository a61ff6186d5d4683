"""The allowance of one case: what its model calls have used so far, held against the budget of the workspace."""

from collections.abc import Iterable

from ..core.clock import Clock
from ..core.exchanges import ModelExchange
from ..core.model_settings import Budget, Price
from ..core.money import Money
from ..core.noun import Noun

_CHARACTERS = 4
"""How many characters a token has where nobody counts them; about right for English, a little low for others."""


class Spent(Noun):
    """What was used."""

    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    estimated: bool = False
    """True where the provider did not count the tokens, or not all of them."""

    def __add__(self, other: "Spent") -> "Spent":
        return Spent(
            calls=self.calls + other.calls,
            tokens_in=self.tokens_in + other.tokens_in,
            tokens_out=self.tokens_out + other.tokens_out,
            estimated=self.estimated or other.estimated,
        )

    def since(self, earlier: "Spent") -> "Spent":
        """What came after `earlier`."""
        return Spent(
            calls=self.calls - earlier.calls,
            tokens_in=self.tokens_in - earlier.tokens_in,
            tokens_out=self.tokens_out - earlier.tokens_out,
            estimated=self.estimated,
        )

    @property
    def tokens(self) -> int:
        """Tokens read and written."""
        return self.tokens_in + self.tokens_out


class OverBudget(Exception):
    """What is needed next is more than the case may cost; the message names the budget."""


class Allowance:
    """What is left of a case's budget. One serves one case, in one thread."""

    def __init__(self, budget: Budget, price: Price | None, clock: Clock, before: Spent | None = None) -> None:
        """`before` is what earlier looks at the same case have used; time counts from now."""
        self._budget = budget
        self._price = price
        self._clock = clock
        self._since = clock.now()
        self.spent = before or Spent()

    def add(self, more: Spent) -> None:
        """Count what a call has used."""
        self.spent += more

    def check_call(self, tokens_in: int) -> None:
        """Raise OverBudget where one more call that reads `tokens_in` would be too much."""
        self._check(self.spent + Spent(calls=1, tokens_in=tokens_in, estimated=True), 0)

    def check_pause(self, seconds: float) -> None:
        """Raise OverBudget where there is no time to wait that long and ask again."""
        self._check(self.spent + Spent(calls=1), seconds)

    def check(self) -> None:
        """Raise OverBudget where what was used is too much already."""
        self._check(self.spent, 0)

    def _check(self, spent: Spent, pause: float) -> None:
        budget = self._budget
        guess = ", partly estimated" if spent.estimated else ""
        if spent.calls > budget.steps:
            calls = "one model call" if budget.steps == 1 else f"{budget.steps} model calls"
            raise OverBudget(f"the budget of {calls} for one case is used up")
        if budget.tokens is not None and spent.tokens > budget.tokens:
            raise OverBudget(f"the budget of {budget.tokens:,} tokens for one case would be passed ({spent.tokens:,}{guess})")
        cost = self._cost(spent)
        if budget.money is not None and (cost is None or not cost <= budget.money):
            raise OverBudget(f"the budget of {budget.money} for one case would be passed ({cost}{guess})")
        gone = (self._clock.now() - self._since).total_seconds() + pause
        if budget.seconds is not None and gone > budget.seconds:
            raise OverBudget(f"the budget of {budget.seconds} seconds for one case would be passed ({gone:.0f})")

    def _cost(self, spent: Spent) -> Money | None:
        return self._price.of(spent.tokens_in, spent.tokens_out) if self._price else None


def estimated_tokens(text: str) -> int:
    """About how many tokens `text` has."""
    return -(-len(text) // _CHARACTERS)


def spent_on(exchanges: Iterable[ModelExchange]) -> Spent:
    """What the kept `exchanges` of a case have used; where nobody counted, one call and the length of its texts."""
    spent = Spent()
    for one in exchanges:
        if one.calls:
            spent += Spent(calls=one.calls, tokens_in=one.tokens_in, tokens_out=one.tokens_out, estimated=one.estimated)
            continue
        tokens_in, tokens_out = estimated_tokens(one.prompt), estimated_tokens(one.answer)
        spent += Spent(calls=1, tokens_in=tokens_in, tokens_out=tokens_out, estimated=True)
    return spent
