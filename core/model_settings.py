"""What a workspace says about language models: what one case may cost, how failures are met, and how sure an answer is.

Money is exact and in one currency: the budget's and the price's must be the same, since nothing here converts.
"""

import math
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from .money import Currency, Exact, Money
from .noun import Noun

_PER = 1_000_000
"""Prices are told for so many tokens."""

_SECRET = ("key", "secret", "password", "credential", "token")
"""How the names of options end that hold what must not be written down."""


class Price(Noun):
    """What a million tokens of one model cost."""

    input: Exact = Field(ge=0)
    """For a million tokens that it reads."""
    output: Exact = Field(ge=0)
    """For a million tokens that it writes."""
    currency: Currency

    def of(self, tokens_in: int, tokens_out: int) -> Money:
        """What so many tokens cost."""
        return Money(amount=(self.input * tokens_in + self.output * tokens_out) / _PER, currency=self.currency)


class Budget(Noun):
    """What the models may spend on one case; where more would be needed, a person gets the case."""

    steps: int = Field(default=8, ge=1)
    """Calls of the model, those that fail and are repeated included."""
    tokens: int | None = Field(default=100_000, ge=1)
    """Tokens read and written."""
    money: Money | None = None
    """What those tokens may cost; needs the model's price."""
    seconds: int | None = Field(default=300, ge=1)
    """Time from the first question on, pauses included."""

    @field_validator("money")
    @classmethod
    def _some(cls, money: Money | None) -> Money | None:
        if money is not None and not money.amount > 0:
            raise ValueError("it must be more than nothing")
        return money


class ModelSettings(Noun):
    """How a workspace uses language models; the embedded brain needs none of it."""

    budget: Budget = Budget()
    """What one case may cost."""
    prices: dict[str, Price] = {}
    """What models cost, by the name that `brain` gives them: `openai:gpt-4.1`."""
    timeout_seconds: int = Field(default=60, ge=1)
    """How long one call may take; passed to the provider's client where it takes one."""
    retries: int = Field(default=3, ge=0, le=10)
    """How often a call is repeated that failed for a passing reason."""
    fallback: Literal["embedded", "person"] = "embedded"
    """Who concludes where the provider stays away: the worker's own rules, or a person."""
    samples: int = Field(default=1, ge=1, le=20)
    """How many answers are compared; their agreement is how sure the model counts as. 1 takes the number it states."""
    logprobs: bool = False
    """True where the model is to tell how likely its words were; it is then asked in plain text first."""
    options: dict[str, Any] = {}
    """What the model's class is made with: `temperature`, `base_url`. Secrets are the provider's own environment variables."""

    @field_validator("options")
    @classmethod
    def _plain(cls, options: dict[str, Any]) -> dict[str, Any]:
        for name, value in options.items():
            # `max_tokens` is a number and no secret.
            if name.lower().replace("-", "_").endswith(_SECRET):
                raise ValueError(f"{name!r} looks like a secret; put it into the provider's environment variable")
            if isinstance(value, float) and not math.isfinite(value):
                raise ValueError(f"{name!r} is no number")
        return options

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        if self.samples > self.budget.steps:
            raise ValueError(f"samples: {self.samples} answers need a budget of as many steps; it has {self.budget.steps}")
        money = self.budget.money
        if money and (odd := [name for name, price in self.prices.items() if price.currency != money.currency]):
            raise ValueError(f"prices: {odd[0]} is not priced in {money.currency}, as the budget is")
        return self
