"""What a workspace says about language models is checked before anything starts."""

from decimal import Decimal

import pytest
import yaml
from pydantic import ValidationError

from shiftlead.core.errors import SettingsError
from shiftlead.core.model_settings import ModelSettings, Price
from shiftlead.core.money import Money
from shiftlead.core.settings import FILE_NAME, Workspace, read_workspace, write_workspace

FULL = """
budget: {steps: 5, tokens: 20000, money: {amount: "0.25", currency: EUR}, seconds: 90}
prices: {"openai:gpt-4.1": {input: "1.80", output: "7.20", currency: EUR}}
timeout_seconds: 20
retries: 2
fallback: person
samples: 3
options: {temperature: 0.7, max_tokens: 800}
"""


def test_a_price_is_for_a_million_tokens():
    price = Price(input="1.80", output="7.20", currency="EUR")
    assert price.of(1_000_000, 0) == Money.of("1.80", "EUR")
    assert price.of(2_500, 100) == Money(amount=Decimal("0.00522"), currency="EUR")


def test_the_settings_are_read_from_the_workspace_file(tmp_path):
    (tmp_path / FILE_NAME).write_text(yaml.safe_dump({"models": yaml.safe_load(FULL)}))
    models = read_workspace(tmp_path / FILE_NAME).models
    assert models.budget.money == Money.of("0.25", "EUR")
    assert models.prices["openai:gpt-4.1"].output == Decimal("7.20")
    assert (models.samples, models.fallback, models.options["temperature"]) == (3, "person", 0.7)


def test_a_new_workspace_file_says_nothing_of_models_until_somebody_does(tmp_path):
    path = write_workspace(tmp_path, Workspace())
    assert "models" not in path.read_text()
    assert read_workspace(path).models == ModelSettings()


@pytest.mark.parametrize(
    ("models", "said"),
    [
        ({"budget": {"money": {"amount": 0.25, "currency": "EUR"}}}, "float"),
        ({"budget": {"money": {"amount": "0", "currency": "EUR"}}}, "more than nothing"),
        ({"budget": {"steps": 0}}, "greater than or equal"),
        ({"budget": {"steps": 2}, "samples": 3}, "3 answers need a budget"),
        ({"budget": {"money": {"amount": "1", "currency": "EUR"}}, "prices": {"m": {"input": "1", "output": "1", "currency": "USD"}}}, "not priced in EUR"),
        ({"prices": {"m": {"input": "-1", "output": "1", "currency": "USD"}}}, "greater than or equal"),
        ({"fallback": "guess"}, "embedded"),
        ({"options": {"api_key": "sk-1"}}, "looks like a secret"),
        ({"options": {"OPENAI-API-KEY": "sk-1"}}, "looks like a secret"),
        ({"options": {"temperature": float("nan")}}, "is no number"),
        ({"retry": 3}, "Extra inputs"),
    ],
    ids=lambda value: "" if isinstance(value, dict) else value,
)  # fmt: skip
def test_what_does_not_hold_together_is_refused(models, said):
    with pytest.raises(ValidationError, match=said):
        ModelSettings.model_validate(models)


def test_a_refusal_names_the_setting(tmp_path):
    (tmp_path / FILE_NAME).write_text("models: {timeout_seconds: 0}\n")
    with pytest.raises(SettingsError, match=r"models\.timeout_seconds"):
        read_workspace(tmp_path / FILE_NAME)
