"""The fields of an edit: from a JSON schema to a line one can type in, and back to a checked value."""

from collections.abc import Mapping
from typing import Any

from ..core.errors import BadInput
from ..core.noun import Noun, plain
from ..core.operations import OperationSpec

_LONG = 500
"""A text that may be longer than this gets room for several lines."""


class EditField(Noun):
    """One argument that the operator may change."""

    name: str
    before: Any
    rule: dict[str, Any]
    """Its part of the JSON schema, with the definitions it refers to."""

    @property
    def long(self) -> bool:
        """True where the text needs several lines."""
        return self._kind == "string" and (self.rule.get("maxLength", 0) > _LONG or "\n" in self.shown())

    @property
    def _kind(self) -> str:
        kinds = [one.get("type") for one in (self.rule, *self.rule.get("anyOf", ())) if one.get("type")]
        return next((kind for kind in kinds if kind in ("integer", "array", "boolean", "number")), "string")

    @property
    def _optional(self) -> bool:
        return any(one.get("type") == "null" for one in self.rule.get("anyOf", ()))

    def shown(self) -> str:
        """The present value as it is typed."""
        value = plain(self.before)
        if value is None:
            return ""
        if isinstance(value, list):
            return ", ".join(map(str, value))
        if isinstance(value, bool):
            return "yes" if value else "no"
        return str(value)

    def expected(self) -> str:
        """What may be typed, in a few words."""
        if choices := self.rule.get("enum"):
            return " | ".join(map(str, choices))
        words = {
            "integer": "whole number",
            "array": "words, with commas",
            "boolean": "yes or no",
            "number": "amount as 1284.50",
        }
        said = "date as 2026-01-31" if self._is_date else words.get(self._kind, "text")
        low, high = self.rule.get("minimum"), self.rule.get("maximum")
        if low is not None and high is not None:
            said += f" from {low} to {high}"
        return said + (", or empty" if self._optional else "")

    @property
    def _is_date(self) -> bool:
        return any(one.get("format") == "date" for one in (self.rule, *self.rule.get("anyOf", ())))

    def value(self, typed: str) -> Any:
        """The checked value of what was typed; raises BadInput saying what is expected."""
        text = typed if self.long else typed.strip()
        if not text.strip() and self._optional:
            return None
        value = self._converted(text)
        self._check(value)
        return value

    def _converted(self, text: str) -> Any:
        if self._kind == "array":
            return [one.strip() for one in text.split(",") if one.strip()]
        if self._kind == "boolean":
            if text.lower() not in ("yes", "no"):
                raise self._wrong()
            return text.lower() == "yes"
        if self._kind == "integer":
            try:
                return int(text)
            except ValueError as error:
                raise self._wrong() from error
        if self._kind == "number":
            return self._amount(text)
        return text

    def _amount(self, text: str) -> str:
        from decimal import Decimal, InvalidOperation

        try:
            exact = Decimal(text)
        except InvalidOperation as error:
            raise self._wrong() from error
        if not exact.is_finite():
            raise self._wrong()
        return format(exact, "f")

    def _check(self, value: Any) -> None:
        from datetime import date

        from jsonschema import Draft202012Validator

        if self._is_date:
            try:
                date.fromisoformat(str(value))
            except ValueError as error:
                raise self._wrong() from error
        if not Draft202012Validator(self.rule).is_valid(value):
            raise self._wrong()

    def _wrong(self) -> BadInput:
        least = self.rule.get("minLength", 0)
        size = f" of {least} to {self.rule['maxLength']} characters" if "maxLength" in self.rule else ""
        size = size or (" that is not empty" if least else "")
        return BadInput(f"{self.name}: expected {self.expected()}{size}.")


def editable(spec: OperationSpec, arguments: Mapping[str, Any]) -> list[EditField]:
    """The arguments of an operation that may be edited, with their present values."""
    shared = {"$defs": spec.parameters["$defs"]} if "$defs" in spec.parameters else {}
    properties = spec.parameters.get("properties", {})
    return [
        EditField(name=name, before=arguments.get(name), rule={**properties[name], **shared})
        for name in spec.editable
        if name in properties
    ]
