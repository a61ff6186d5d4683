"""Records: nouns that are made so often that each is a plain tuple with names.

A record never changes and is stored like any noun, as an object by field; only what comes from outside is checked.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Self, get_type_hints

from pydantic import GetCoreSchemaHandler, TypeAdapter
from pydantic_core import CoreSchema, core_schema


class Record:
    """What a named tuple needs to be used where a noun is; it stands behind the tuple among the bases."""

    __slots__ = ()

    def model_copy(self, *, update: Mapping[str, Any] | None = None) -> Self:
        """The same record with other values in some fields."""
        return type(self)(**{**self.as_dict(), **(update or {})})

    def as_dict(self) -> dict[str, Any]:
        """The fields by name."""
        fields: dict[str, Any] = self._asdict()  # type: ignore[attr-defined]
        return fields

    def model_dump_json(self) -> str:
        """The record as a JSON object."""
        return _adapter(type(self)).dump_json(self).decode()

    @classmethod
    def model_validate_json(cls, text: str | bytes) -> Self:
        """The record in a JSON object; raises pydantic's ValidationError where it is none."""
        found: Self = _adapter(cls).validate_json(text)
        return found

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """As a field of a noun: an object with the fields of the tuple, or the record itself."""
        optional: Mapping[str, Any] = cls._field_defaults  # type: ignore[attr-defined]
        fields = {
            name: core_schema.typed_dict_field(handler.generate_schema(kind), required=name not in optional)
            for name, kind in get_type_hints(cls).items()
        }
        written = core_schema.typed_dict_schema(fields, extra_behavior="forbid")
        read = core_schema.no_info_after_validator_function(lambda values: cls(**values), written)
        return core_schema.json_or_python_schema(
            json_schema=read,
            python_schema=core_schema.union_schema([core_schema.is_instance_schema(cls), read]),
            serialization=core_schema.plain_serializer_function_ser_schema(Record.as_dict, return_schema=written),
        )


_adapter: Callable[[Any], TypeAdapter[Any]] = cache(TypeAdapter)
