"""Further recognisers: Presidio, where the extra `shiftlead[pii]` and a language model are installed, or one of a workspace's own."""

from collections.abc import Iterable
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

from ..core.errors import PluginError, SettingsError
from .personal_data import Kind, Recogniser, Source, Span

if TYPE_CHECKING:
    from collections.abc import Sequence

KINDS: dict[str, Kind] = {
    "PERSON": Kind.NAME,
    "LOCATION": Kind.ADDRESS,
    "EMAIL_ADDRESS": Kind.EMAIL,
    "PHONE_NUMBER": Kind.PHONE,
    "IBAN_CODE": Kind.IBAN,
    "CREDIT_CARD": Kind.CARD,
    "US_BANK_NUMBER": Kind.ACCOUNT,
    "US_SSN": Kind.NATIONALID,
    "US_ITIN": Kind.TAXID,
    "UK_NHS": Kind.NATIONALID,
    "UK_NINO": Kind.NATIONALID,
    "ES_NIF": Kind.TAXID,
    "IT_FISCAL_CODE": Kind.TAXID,
    "IT_VAT_CODE": Kind.TAXID,
    "IP_ADDRESS": Kind.IP,
}
"""Presidio's words for the kinds that are looked for; its others are not personal data to us."""


class Analyzer(Protocol):
    """What is used of Presidio's `AnalyzerEngine`."""

    def analyze(self, text: str, language: str, entities: "Sequence[str]") -> Iterable[Any]:
        """Results with `entity_type`, `start`, `end` and `score`."""


class Presidio:
    """Finds what a Presidio engine finds; everything of it is only possible, since a model guessed it."""

    def __init__(self, *, language: str = "en", at_least: float = 0.4, engine: Analyzer | None = None) -> None:
        self._language = language
        self._at_least = at_least
        """The lowest score that counts, 0 to 1."""
        self._engine = engine or _engine(language)

    def find(self, text: str) -> Iterable[Span]:
        """Every entity of a known kind in `text`."""
        for one in self._engine.analyze(text=text, language=self._language, entities=tuple(KINDS)):
            kind = KINDS.get(one.entity_type)
            if kind is not None and one.score >= self._at_least:
                yield Span(kind=kind, start=one.start, end=one.end, source=Source.ENGINE)


def open_recognisers(specs: Iterable[str]) -> tuple[Recogniser, ...]:
    """The recognisers that a workspace names; raises SettingsError or PluginError where one cannot be had."""
    return tuple(Presidio() if spec == "presidio" else _own(spec) for spec in specs)


def _own(spec: str) -> Recogniser:
    module, _, name = spec.partition(":")
    hint = "Use presidio, or module.path:factory, a function that returns an object with `find(text)`."
    try:
        made = getattr(import_module(module), name)()
    except Exception as error:
        raise SettingsError(f"recognisers: {spec!r} cannot be made: {type(error).__name__}.", hint=hint) from error
    if not callable(getattr(made, "find", None)):
        raise SettingsError(f"recognisers: {spec!r} gave something that finds nothing.", hint=hint)
    recogniser: Recogniser = made
    return recogniser


def _engine(language: str) -> Analyzer:
    try:
        from presidio_analyzer import AnalyzerEngine
        from presidio_analyzer.nlp_engine import NlpEngineProvider

        is_package = import_module("spacy.util").is_package
    except ImportError as error:
        raise PluginError("The package presidio-analyzer is not installed.", hint="pip install 'shiftlead[pii]'") from error
    # Where a model is missing Presidio would try to download one by itself.
    model = next(
        (
            name
            for size in ("lg", "md", "sm")
            for kind in ("web", "news")
            if is_package(name := f"{language}_core_{kind}_{size}")
        ),
        "",
    )
    if not model:
        raise PluginError(
            f"No spaCy model for {language!r} is installed, which Presidio needs.",
            hint=f"python -m spacy download {language}_core_web_lg, or another of that language.",
        )
    settings = {"nlp_engine_name": "spacy", "models": [{"lang_code": language, "model_name": model}]}
    nlp = NlpEngineProvider(nlp_configuration=settings).create_engine()
    engine: Analyzer = AnalyzerEngine(nlp_engine=nlp, supported_languages=[language])
    return engine
