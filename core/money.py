"""Amounts of money: a Decimal with an ISO 4217 currency, never a float."""

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from .errors import BadInput

_MINOR_UNITS = {
    "BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "ISK": 0, "JPY": 0, "KMF": 0, "KRW": 0, "PYG": 0, "RWF": 0, "UGX": 0, "UYI": 0,
    "VND": 0, "VUV": 0, "XAF": 0, "XOF": 0, "XPF": 0,
    "BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3,
    "CLF": 4, "UYW": 4,
}  # fmt: skip


def exact_decimal(value: Any) -> Any:
    """Refuse a float where an exact amount is wanted; pass everything else on to pydantic."""
    if isinstance(value, float):
        raise ValueError("a float cannot hold an exact amount; give a string or a Decimal")
    return value


Exact = Annotated[Decimal, BeforeValidator(exact_decimal)]
"""A Decimal field that refuses floats instead of rounding them."""

_FARTHEST = 1000
"""How many digits an amount may have before or after its point. `1E+9999999999` is short, and fills the memory once it is written."""


def _within_reach(value: Decimal) -> Decimal:
    if abs(value.adjusted()) > _FARTHEST:
        raise ValueError("it is beyond any amount of money")
    return value


Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
"""An ISO 4217 alphabetic code."""


class Money(BaseModel):
    """An exact amount in one currency; amounts of different currencies never mix."""

    model_config = ConfigDict(frozen=True)

    amount: Annotated[Exact, AfterValidator(_within_reach)]
    currency: Currency

    @classmethod
    def of(cls, amount: Decimal | int | str, currency: str) -> "Money":
        """`Money.of("12.50", "EUR")`; raises BadInput where that is no amount."""
        if isinstance(amount, float):
            raise BadInput(f"{amount!r} is a float.", hint="Give an exact amount as a string or a Decimal.")
        try:
            return cls(amount=Decimal(amount), currency=currency)
        except (InvalidOperation, ValueError) as error:
            raise BadInput(f"{amount!r} {currency!r} is not an amount of money.", hint="Write it as 12.50 EUR.") from error

    def _other(self, other: "Money") -> Decimal:
        if self.currency != other.currency:
            raise BadInput(f"{self} and {other} are different currencies.", hint="Convert one of them first.")
        return other.amount

    def __add__(self, other: "Money") -> "Money":
        return Money(amount=self.amount + self._other(other), currency=self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(amount=self.amount - self._other(other), currency=self.currency)

    def __lt__(self, other: "Money") -> bool:
        return self.amount < self._other(other)

    def __le__(self, other: "Money") -> bool:
        return self.amount <= self._other(other)

    def __str__(self) -> str:
        return f"{self.amount:,f} {self.currency}"


def minor_digits(currency: str) -> int:
    """How many digits `currency` has after the point: two, unless ISO 4217 says otherwise."""
    return _MINOR_UNITS.get(currency, 2)


def round_minor(amount: Decimal, currency: str) -> Decimal:
    """`amount` rounded half up to the minor unit of `currency`."""
    return amount.quantize(Decimal(1).scaleb(-minor_digits(currency)), rounding=ROUND_HALF_UP)
