"""The models of providers and of one's own: made with the workspace's limits, or refused with what to do about it."""

import importlib.util
import json
import sys
import tomllib

import pytest

from shiftlead.agents.brain import make_brain
from shiftlead.agents.providers import PROVIDERS, chat_model
from shiftlead.core.errors import BadInput, PluginError, SettingsError, ShiftleadError
from shiftlead.core.model_settings import ModelSettings


@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_absent_package_names_the_extra_that_brings_it(provider):
    if importlib.util.find_spec(PROVIDERS[provider][0]):
        pytest.skip("the package is installed here")
    with pytest.raises(ShiftleadError) as raised:
        make_brain(f"{provider}:some-model")
    assert raised.value.hint == f"pip install 'shiftlead[{provider}]'"
    assert provider in raised.value.message


def test_every_provider_is_an_extra_of_the_package(request):
    project = tomllib.loads((request.config.rootpath / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for provider, (module, _) in PROVIDERS.items():
        (requirement,) = project["optional-dependencies"][provider]
        assert requirement.startswith(module.replace("_", "-"))


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A module of somebody's own on the path, under a fresh name."""

    def write(name, text):
        (tmp_path / "ownmodels").mkdir(exist_ok=True)
        (tmp_path / "ownmodels" / f"{name}.py").write_text(text)
        monkeypatch.syspath_prepend(str(tmp_path))
        return f"ownmodels.{name}"

    yield write
    for name in [name for name in sys.modules if name.partition(".")[0] == "ownmodels"]:
        del sys.modules[name]


def test_a_model_of_your_own_is_made_by_its_factory(own):
    module = own(
        "good", "from shiftlead.agents.scripted import ScriptedModel\ndef make(**kw): return ScriptedModel(script=[kw])\n"
    )
    brain = make_brain(f"{module}:make", temperature=0)
    assert brain.name.startswith(f"{module}:make~case@1-")
    assert json.loads(str(chat_model(f"{module}:make", temperature=0).invoke("?").text)) == {"temperature": 0}


@pytest.mark.parametrize(
    ("text", "name", "error"),
    [
        ("def make(): return 1", "make", BadInput),
        ("make = 1", "make", BadInput),
        ("", "make", BadInput),
        ("import nowhere_to_be_found", "make", BadInput),
        ("raise RuntimeError('no key')", "make", BadInput),
        ("def make(): raise RuntimeError('no key')", "make", PluginError),
    ],
)
def test_a_factory_that_does_not_make_a_model_says_so(own, text, name, error, request):
    module = own(f"bad{abs(hash(text))}", text)
    with pytest.raises(error):
        chat_model(f"{module}:{name}")


@pytest.mark.parametrize("spec", ["gpt:4", "openai", "openai:", "", "embeded", ":x"])
def test_an_unknown_brain_names_the_known_ones(spec):
    with pytest.raises(BadInput) as raised:
        make_brain(spec)
    for provider in PROVIDERS:
        assert provider in raised.value.hint


# Limits

MODEL = """
from typing import Any
from pydantic import Field
from shiftlead.agents.scripted import ScriptedModel
class {name}(ScriptedModel):
    script: Any = ()
{fields}
"""


def made(own, fields, within, name="Chat", **settings):
    module = own(f"limits{abs(hash(fields))}", MODEL.format(name=name, fields=fields))
    return chat_model(f"{module}:{name}", within=within, **settings)


@pytest.mark.parametrize(
    ("fields", "read"),
    [
        ("    timeout: Any = None", lambda model: model.timeout),
        ("    request_timeout: Any = Field(default=None, alias='timeout')", lambda model: model.request_timeout),
        ("    request_timeout: Any = None", lambda model: model.request_timeout),
        ("    client_kwargs: dict = {}", lambda model: model.client_kwargs["timeout"]),
    ],
    ids=["timeout", "alias", "request_timeout", "client_kwargs"],
)
def test_a_call_may_take_as_long_as_the_workspace_says(own, fields, read):
    assert read(made(own, fields, ModelSettings(timeout_seconds=7))) == 7


def test_repeats_of_the_client_are_turned_off_so_that_they_do_not_multiply_with_ours(own):
    assert made(own, "    max_retries: int = 6", ModelSettings()).max_retries == 0


def test_googles_class_counts_the_first_call_as_well(own):
    name = "ChatGoogleGenerativeAI"
    assert made(own, "    max_retries: int = 6", ModelSettings(), name=name).max_retries == 1


def test_options_of_the_workspace_reach_the_model_and_win_over_its_limits(own):
    fields = "    temperature: float = 1.0\n    client_kwargs: dict = {}\n    max_retries: int = 6"
    options = {"temperature": 0.2, "client_kwargs": {"verify": False}, "max_retries": 2}
    model = made(own, fields, ModelSettings(options=options))
    assert (model.temperature, model.max_retries) == (0.2, 2)
    assert model.client_kwargs == {"timeout": 60, "verify": False}


def test_a_factory_is_given_only_the_limits_that_it_names(own):
    text = """
from shiftlead.agents.scripted import ScriptedModel
def named(timeout=None, max_retries=6): return ScriptedModel(script=[[timeout, max_retries]])
def bare(): return ScriptedModel(script=["bare"])
"""
    module = own("factories", text)
    assert chat_model(f"{module}:named", within=ModelSettings()).script == [[60, 0]]
    assert chat_model(f"{module}:bare", within=ModelSettings()).script == ["bare"]


def test_log_probabilities_are_asked_for_or_the_start_stops(own):
    asking = ModelSettings(logprobs=True)
    assert made(own, "    logprobs: bool = False", asking).logprobs
    with pytest.raises(SettingsError, match="cannot tell log-probabilities"):
        made(own, "    top_p: float = 1.0", asking)


def test_an_option_that_the_model_does_not_know_stops_the_start(own):
    module = own("strict", "from shiftlead.agents.scripted import ScriptedModel\ndef make(): return ScriptedModel(script=[])\n")
    with pytest.raises(PluginError, match="temperatur"):
        make_brain(f"{module}:make", models=ModelSettings(options={"temperatur": 1}))


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_providers_class_takes_the_limits(provider, monkeypatch):
    pytest.importorskip(PROVIDERS[provider][0], reason="the provider's package is not installed")
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GOOGLE_API_KEY", "MISTRAL_API_KEY"):
        monkeypatch.setenv(name, "none")
    model = chat_model(f"{provider}:some", within=ModelSettings(timeout_seconds=7))
    assert getattr(model, "max_retries", 0) == (1 if provider == "google" else 0)
    told = [getattr(model, name, None) for name in ("request_timeout", "default_request_timeout", "timeout", "client_kwargs")]
    assert 7 in told or {"timeout": 7} in told
