"""Providers of language models: the chat model that a workspace names, made so that it neither hangs nor repeats by itself."""

import inspect
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from langchain_core.language_models import BaseChatModel

from ..core.errors import BadInput, PluginError, SettingsError
from ..core.model_settings import ModelSettings
from .failures import cause

PROVIDERS: dict[str, tuple[str, str]] = {
    "openai": ("langchain_openai", "ChatOpenAI"),
    "anthropic": ("langchain_anthropic", "ChatAnthropic"),
    "google": ("langchain_google_genai", "ChatGoogleGenerativeAI"),
    "mistral": ("langchain_mistralai", "ChatMistralAI"),
    "ollama": ("langchain_ollama", "ChatOllama"),
}
"""Module and class of each provider; the provider's name is also the extra that installs it."""

_COUNTS_ATTEMPTS = "ChatGoogleGenerativeAI"
"""The class whose `max_retries` counts the first call too, and takes 0 for its client's own default."""


def chat_model(spec: str, *, within: ModelSettings | None = None, **settings: Any) -> BaseChatModel:
    """The chat model called `spec`: `provider:model`, or `module.path:factory` for one of your own.

    `settings` go to the model's class or to the factory, and so do the options and the timeout of `within`; repeats of the client's own
    are turned off there, since they would multiply with ours. Raises BadInput where `spec` names nothing, SettingsError where the
    model cannot do what the workspace asks for, PluginError where the provider's package is not installed or the model cannot
    be made.
    """
    provider, _, model = spec.partition(":")
    if provider in PROVIDERS and model:
        make = _provided(provider)
        return _made(spec, make, {"model": model, **_asked_for(spec, make, within), **settings})
    if "." in provider and model:
        make = _factory(provider, model)
        return _made(spec, make, {**_asked_for(spec, make, within), **settings})
    raise BadInput(
        f"{spec!r} names no brain.",
        hint=f"Use embedded, PROVIDER:MODEL with one of {', '.join(PROVIDERS)}, or module.path:factory.",
    )


def _asked_for(spec: str, make: Callable[..., Any], within: ModelSettings | None) -> dict[str, Any]:
    """What the workspace asks of the model, in the words of its class; a limit that the class does not know is left out."""
    if within is None:
        return {}
    known, asked = _parameters(make), dict(within.options)
    if "max_retries" in known:
        asked.setdefault("max_retries", int(getattr(make, "__name__", "") == _COUNTS_ATTEMPTS))
    if name := next((one for one in ("timeout", "request_timeout") if one in known), ""):
        asked.setdefault(name, within.timeout_seconds)
    elif "client_kwargs" in known:
        asked["client_kwargs"] = {"timeout": within.timeout_seconds, **asked.get("client_kwargs", {})}
    if within.logprobs:
        if "logprobs" not in known:
            raise SettingsError(f"models.logprobs: {spec} cannot tell log-probabilities.", hint="Use samples instead.")
        asked.setdefault("logprobs", True)
    return asked


def _parameters(make: Callable[..., Any]) -> frozenset[str]:
    """The names that a class or a function takes by name."""
    if isinstance(make, type) and issubclass(make, BaseChatModel):
        fields: Mapping[str, Any] = make.model_fields
        return frozenset({*fields, *(field.alias for field in fields.values() if field.alias)})
    try:
        given = inspect.signature(make).parameters.values()
    except (TypeError, ValueError):
        return frozenset()
    by_name = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return frozenset(one.name for one in given if one.kind in by_name)


def _provided(provider: str) -> Callable[..., Any]:
    module, name = PROVIDERS[provider]
    try:
        return getattr(import_module(module), name)  # type: ignore[no-any-return]
    except ModuleNotFoundError as error:
        if error.name != module:
            raise PluginError(f"{module} cannot be loaded: {error}.", hint=f"pip install 'shiftlead[{provider}]'") from error
        raise PluginError(
            f"The package {module.replace('_', '-')} for {provider} models is not installed.",
            hint=f"pip install 'shiftlead[{provider}]'",
        ) from error


def _factory(module: str, name: str) -> Callable[..., Any]:
    try:
        found = getattr(import_module(module), name)
    except Exception as error:  # a module may raise anything while it is imported
        raise BadInput(
            f"{module}:{name} cannot be loaded: {cause(error)}.", hint="Name an importable module and a function in it."
        ) from error
    if not callable(found):
        raise BadInput(f"{module}:{name} is not a function.", hint="Name a function that returns a chat model.")
    return found  # type: ignore[no-any-return]


def _made(spec: str, make: Callable[..., Any], settings: dict[str, Any]) -> BaseChatModel:
    try:
        model = make(**settings)
    except Exception as error:
        raise PluginError(
            f"The model {spec!r} could not be made: {cause(error)}.", hint="Check its settings and the provider's key."
        ) from error
    if not isinstance(model, BaseChatModel):
        raise BadInput(f"{spec!r} gave a {type(model).__name__}.", hint="It must be a LangChain chat model.")
    return model
