"""Approved messages to debtors, checked when they are loaded: every slot known, every disclosure there, no figure in a text."""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from string import Formatter
from typing import Any

import yaml
from pydantic import Field, ValidationError

from ..core.errors import BadInput, SettingsError
from ..core.noun import Noun
from .wording import LANGUAGES

DISCLOSURES = ("contact", "dispute", "opt_out")
"""What every message must carry."""
_COMMON = frozenset({"name", "house", "invoices", "total", *DISCLOSURES})
_SLOTS: dict[str, frozenset[str]] = {
    "friendly": _COMMON | {"pay_by"},
    "firm": _COMMON | {"pay_by"},
    "final": _COMMON | {"pay_by"},
    "plan": _COMMON | {"instalments", "schedule"},
}
_NEEDED: dict[str, frozenset[str]] = {
    tone: frozenset({"invoices", "total", *DISCLOSURES}) | (slots - _COMMON) for tone, slots in _SLOTS.items()
}
_HOUSE_SLOTS = frozenset({"house", "house_email", "house_phone"})


class Text(Noun):
    """One message in one language."""

    subject: str = Field(min_length=1)
    body: str = Field(min_length=1)


class Template(Noun):
    """One approved message in every language."""

    key: str
    operation: str
    """The operation that sends it."""
    tone: str
    """friendly, firm, final or plan"""
    texts: dict[str, Text]


class Templates(Noun):
    """All approved messages and the sentences they must carry."""

    version: int = Field(ge=1)
    disclosures: dict[str, dict[str, str]]
    templates: dict[str, Template]

    def template(self, key: str) -> Template:
        """The template called `key`; raises BadInput naming those there are."""
        if key not in self.templates:
            raise BadInput(f"No approved template {key!r}.", hint=f"Approved: {', '.join(sorted(self.templates))}.")
        return self.templates[key]


def parse_templates(text: str, *, origin: str) -> Templates:
    """The templates in `text`; raises SettingsError naming `origin`, the template and the slot that is wrong."""
    try:
        raw = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise SettingsError(f"{origin}{line}: it is not YAML.", hint="Mend the YAML of the templates.") from error
    if not isinstance(raw, dict) or not isinstance(raw.get("templates"), dict):
        raise SettingsError(f"{origin}: `templates` is missing.", hint="Give templates by name, as in the shipped file.")
    try:
        found = Templates.model_validate({**raw, "templates": _keyed(raw["templates"])})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise SettingsError(f"{origin}: {where}: {first['msg']}.", hint="See the shipped dunning_templates.yaml.") from error
    _check(found, origin)
    return found


@cache
def shipped_templates() -> Templates:
    """The templates that ship."""
    text = files(__package__).joinpath("dunning_templates.yaml").read_text(encoding="utf-8")
    return parse_templates(text, origin="agents/dunning_templates.yaml")


def slots_of(text: Text) -> list[str]:
    """The slots of a checked text, in the order they stand in."""
    return [name for part in (text.subject, text.body) for _, name, _, _ in Formatter().parse(part) if name]


def _keyed(templates: Mapping[str, Any]) -> dict[str, Any]:
    return {key: {**value, "key": key} if isinstance(value, dict) else value for key, value in templates.items()}


def _check(templates: Templates, origin: str) -> None:
    for part in DISCLOSURES:
        for language in LANGUAGES:
            text = templates.disclosures.get(part, {}).get(language)
            if not text:
                raise SettingsError(f"{origin}: disclosures.{part}: {language} is missing.", hint="Write the sentence.")
            _refuse_slots(
                _slots_in(text, f"{origin}: disclosures.{part}.{language}"), _HOUSE_SLOTS, f"{origin}: disclosures.{part}"
            )
    for template in templates.templates.values():
        if template.tone not in _SLOTS:
            raise SettingsError(
                f"{origin}: {template.key}: tone {template.tone!r} is unknown.", hint=f"Known: {', '.join(_SLOTS)}."
            )
        for language in LANGUAGES:
            _check_text(template, language, origin)


def _check_text(template: Template, language: str, origin: str) -> None:
    where = f"{origin}: {template.key}.{language}"
    text = template.texts.get(language)
    if text is None:
        raise SettingsError(f"{where} is missing.", hint=f"Write it in {', '.join(LANGUAGES)}.")
    slots = {slot for part in (text.subject, text.body) for slot in _slots_in(part, where)}
    _refuse_slots(slots, _SLOTS[template.tone], where)
    missing = sorted(_NEEDED[template.tone] - set(_slots_in(text.body, where)))
    if missing:
        what = "the required disclosure" if missing[0] in DISCLOSURES else "the slot"
        raise SettingsError(f"{where}: {what} {{{missing[0]}}} is missing.", hint="Put it into the body.")
    if re.search(r"\d", Formatter().vformat(text.subject + text.body, (), dict.fromkeys(slots, ""))):
        raise SettingsError(f"{where}: a figure stands in the text.", hint="Figures come from slots only.")


def _refuse_slots(slots: Iterable[str], known: frozenset[str], where: str) -> None:
    unknown = sorted(set(slots) - known)
    if unknown:
        raise SettingsError(f"{where}: the slot {{{unknown[0]}}} is unknown.", hint=f"Known here: {', '.join(sorted(known))}.")


def _slots_in(text: str, where: str) -> list[str]:
    try:
        fields = [(name, spec, convert) for _, name, spec, convert in Formatter().parse(text) if name is not None]
    except ValueError as error:
        raise SettingsError(f"{where}: {error}.", hint="Write a slot as {total}, a brace itself as {{ or }}.") from error
    for name, spec, convert in fields:
        if spec or convert or not name.isidentifier():
            raise SettingsError(f"{where}: the slot {{{name}}} is unknown.", hint="A slot is one plain word in braces.")
    return [name for name, _, _ in fields]
