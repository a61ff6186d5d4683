"""A model's answers are recorded once and given again to equal questions, and anything else is refused with the reason."""

import asyncio
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool

from shiftlead.agents.cassette import Cassette, Mode, open_cassette
from shiftlead.agents.cassette_file import read_tape
from shiftlead.agents.cassette_request import first_difference, request_of, settings_that_count
from shiftlead.agents.scripted import Line, ScriptedModel
from shiftlead.core.clock import FrozenClock
from shiftlead.core.errors import BadInput, CassetteError

IBAN = "DE89370400440532013000"
OTHER = "GB29NWBK60161331926819"
NAME = "scripted:one"
SCHEMA = {
    "title": "answer",
    "description": "The one answer.",
    "type": "object",
    "properties": {"action": {"type": "string"}, "confidence": {"type": "number"}},
    "required": ["action"],
}


@tool
def look_up(account: str) -> str:
    """Look an account up."""
    return account


class Tape:
    """One cassette file, used by a new Cassette each time."""

    def __init__(self, folder, clock):
        self.path = folder / "answers.yaml"
        self.clock = clock

    def cassette(self, mode, **settings):
        return Cassette(self.path, Mode(mode), clock=self.clock, **settings)

    def record(self, *script, tools=False, settings=None):
        """A recording cassette, and a model that says `script` behind it."""
        cassette = self.cassette("record")
        said = ScriptedModel(script=list(script), tools=tools)
        return cassette, cassette.model(NAME, lambda: said, settings or {})

    def replay(self, mode="replay", settings=None, **more):
        cassette = self.cassette(mode, **more)
        return cassette, cassette.model(NAME, nobody, settings or {})

    @property
    def text(self):
        return self.path.read_text(encoding="utf-8")

    @property
    def recordings(self):
        return read_tape(self.path).recordings


def nobody():
    raise AssertionError("a replay needs no model")


@pytest.fixture
def tape(tmp_path, clock):
    return Tape(tmp_path, clock)


def test_an_answer_is_recorded_once_and_given_again_without_the_model(tape):
    _, model = tape.record("Tuesday.", settings={"temperature": 0, "api_key": "not to be kept", "timeout": 60})
    said = model.invoke([SystemMessage("Be brief."), HumanMessage("Which day?")])
    cassette, model = tape.replay("replay-strict", settings={"temperature": 0, "api_key": "another", "timeout": 5})
    again = model.invoke([SystemMessage("Be brief."), HumanMessage("Which day?")])
    assert again.text == said.text == "Tuesday."
    assert cassette.finish() == ()
    assert "not to be kept" not in tape.text
    (one,) = tape.recordings
    assert one.request.parameters == {"temperature": 0}
    assert one.recorded == tape.clock.now().date()


def test_structured_output_and_its_broken_and_missing_fields_come_back(tape):
    _, model = tape.record({"action": "post", "confidence": 0.9}, tools=True)
    said = model.with_structured_output(SCHEMA, method="function_calling", include_raw=True).invoke("What now?")
    _, model = tape.replay()
    again = model.with_structured_output(SCHEMA, method="function_calling", include_raw=True).invoke("What now?")
    assert again["parsed"] == said["parsed"] == {"action": "post", "confidence": 0.9}
    assert again["raw"].tool_calls == said["raw"].tool_calls
    assert tape.recordings[0].request.tools[0]["name"] == "answer"


def test_a_model_that_takes_no_tools_takes_none_in_a_replay_either(tape):
    _, model = tape.record('{"action": "post"}')
    with pytest.raises(NotImplementedError):
        model.with_structured_output(SCHEMA)
    model.invoke("In text, then.")
    _, model = tape.replay()
    with pytest.raises(NotImplementedError):
        model.with_structured_output(SCHEMA)
    assert model.invoke("In text, then.").text == '{"action": "post"}'


def test_tools_streams_and_awaited_calls_are_recorded_and_replayed(tape):
    _, model = tape.record({"account": "A-1"}, "one piece", "awaited", tools=True)

    async def awaited(asked):
        return (await asked.ainvoke("And then?")).text, [piece.text async for piece in asked.astream("Stream it.")]

    def everything(asked):
        called = asked.bind_tools([look_up], tool_choice="look_up").invoke("Whose account?")
        return called.tool_calls, [piece.text for piece in asked.stream("Stream it.")], asked.invoke("And then?").text

    live = everything(model)
    assert live == (
        [{"name": "look_up", "args": {"account": "A-1"}, "id": "call_1", "type": "tool_call"}],
        ["one piece"],
        "awaited",
    )
    assert everything(tape.replay("replay-strict")[1]) == live
    assert asyncio.run(awaited(tape.replay()[1])) == ("awaited", ["one piece"])


async def test_awaited_calls_are_recorded(tape):
    _, model = tape.record("live")
    assert (await model.ainvoke("Now?")).text == "live"
    assert tape.replay()[1].invoke("Now?").text == "live"


def test_equal_questions_get_their_answers_in_order(tape):
    _, model = tape.record("first", "second")
    assert [model.invoke("Again?").text for _ in range(2)] == ["first", "second"]
    _, model = tape.replay("replay-strict")
    assert [model.invoke("Again?").text for _ in range(2)] == ["first", "second"]
    with pytest.raises(CassetteError, match=r"2 answers are recorded, and it was asked once more"):
        model.invoke("Again?")


def test_recording_asks_only_what_is_new_and_drops_nothing(tape):
    tape.record("first")[1].invoke("One?")
    before = tape.text
    _, model = tape.record("second")
    assert [model.invoke(question).text for question in ("One?", "Two?")] == ["first", "second"]
    assert tape.text.startswith(before)
    assert [one.answer.content for one in tape.recordings] == ["first", "second"]


def test_what_a_provider_raises_is_not_recorded_and_may_be_asked_again(tape):
    _, model = tape.record(TimeoutError("away"), "here")
    with pytest.raises(TimeoutError):
        model.invoke("There?")
    assert not tape.path.exists()
    assert model.invoke("There?").text == "here"
    assert tape.replay("replay-strict")[1].invoke("There?").text == "here"


def test_a_miss_names_the_nearest_recording_and_the_first_difference(tape):
    _, model = tape.record("a", "b")
    model.invoke([SystemMessage("Long rules.\nMore rules."), HumanMessage("Invoice I-1\namount 119.00 EUR\nline three")])
    model.invoke([SystemMessage("Something else."), HumanMessage("Dunning")])
    cassette, model = tape.replay()
    with pytest.raises(CassetteError) as caught:
        model.invoke([SystemMessage("Long rules.\nMore rules."), HumanMessage("Invoice I-1\namount 120.00 EUR\nline three")])
    message = caught.value.message
    assert "nearest is recording 1 " in message
    assert "differs first at messages[1].content" in message
    assert "119.00" in message
    assert "120.00" in message
    assert "--mode record" in caught.value.hint
    with pytest.raises(CassetteError, match="is not recorded"):
        cassette.finish()


def test_a_miss_that_somebody_took_for_the_models_failure_still_fails_the_run(tape):
    tape.record("a")[1].invoke("One?")
    cassette, model = tape.replay()
    with suppress(CassetteError):
        model.invoke("Two?")
    with pytest.raises(CassetteError, match="is not recorded"):
        cassette.finish()


def test_an_empty_cassette_says_that_it_is_empty(tape):
    tape.path.write_text("format: 1\n", encoding="utf-8")
    with pytest.raises(CassetteError, match="holds no recording"):
        tape.replay()[1].invoke("One?")


def test_unused_recordings_are_let_be_by_a_replay_and_not_by_a_strict_one(tape):
    _, model = tape.record("a", "b")
    model.invoke("One?")
    model.invoke("Two?")
    for mode in ("replay", "replay-strict"):
        cassette, model = tape.replay(mode)
        model.invoke("One?")
        if mode == "replay":
            assert cassette.finish() == (f"{tape.path}: 1 of 2 recordings was not asked for.",)
        else:
            with pytest.raises(CassetteError, match="1 of 2 recordings was not asked for"):
                cassette.finish()


def test_another_order_within_a_conversation_fails_a_strict_replay_only(tape):
    first, second = [HumanMessage("One case.")], [HumanMessage("One case."), HumanMessage("Answer again.")]
    _, model = tape.record("a", "b")
    model.invoke(first)
    model.invoke(second)
    assert tape.replay()[1].invoke(second).text == "b"
    cassette, model = tape.replay("replay-strict")
    with pytest.raises(CassetteError, match="question of recording 2 came where that of recording 1 was next"):
        model.invoke(second)
    with pytest.raises(CassetteError, match="recording 2 came"):
        cassette.finish()


def test_conversations_have_no_order_among_themselves(tape):
    _, model = tape.record("a", "b")
    model.invoke("One?")
    model.invoke("Two?")
    cassette, model = tape.replay("replay-strict")
    assert [model.invoke(question).text for question in ("Two?", "One?")] == ["b", "a"]
    assert cassette.finish() == ()


def test_old_recordings_are_told_of_and_fail_a_strict_replay(tape):
    tape.record("a")[1].invoke("One?")
    tape.clock = FrozenClock(tape.clock.now() + timedelta(days=31))
    assert tape.cassette("replay-strict", max_age_days=31)
    cassette, model = tape.replay(max_age_days=30)
    model.invoke("One?")
    assert cassette.finish() == (f"{tape.path}: 1 of 1 recordings is older than 30 days, the oldest of 2026-09-15.",)
    with pytest.raises(CassetteError, match="older than 30 days"):
        tape.cassette("replay-strict", max_age_days=30)


def test_personal_data_is_kept_as_tokens_and_comes_back_as_the_questions_own(tape):
    _, model = tape.record(f"Pay to {IBAN}, not to {OTHER}.")
    said = model.invoke(f"Shall we pay to {IBAN}? Ask ap@delta.example.")
    assert IBAN not in tape.text
    assert "ap@delta.example" not in tape.text
    assert OTHER not in tape.text
    again = tape.replay()[1].invoke(f"Shall we pay to {IBAN}? Ask ap@delta.example.")
    assert again.text == said.text
    assert again.text.startswith(f"Pay to {IBAN}, not to <IBAN_")


def test_tokens_of_the_brain_stay_apart_from_those_of_the_file(tape):
    asked = [HumanMessage(f"Our account is {IBAN}."), HumanMessage("Theirs is <IBAN_1>.")]
    _, model = tape.record(f"<IBAN_1> is not {IBAN}.")
    assert model.invoke(asked).text == f"<IBAN_1> is not {IBAN}."
    assert tape.replay()[1].invoke(asked).text == f"<IBAN_1> is not {IBAN}."


@pytest.mark.parametrize(
    "secret",
    [
        "sk-proj-abcdefghij1234567890abcd",
        "Bearer abcdefgh1234567890xyz",
        "postgresql://me:hunter2@db.example/x",
        "AKIAABCDEFGHIJKLMNOP",
    ],
)
def test_a_secret_is_refused_before_the_model_is_asked_and_never_written(tape, secret):
    cassette = tape.cassette("record")
    said = ScriptedModel(script=["a", f"It is {secret}."])
    model = cassette.model(NAME, lambda: said, {})
    with pytest.raises(CassetteError, match="nothing of it was written") as caught:
        model.invoke(f"Use {secret} for it.")
    assert secret not in str(caught.value)
    assert said.asked == ()
    model.invoke("Harmless.")
    before = tape.text
    with pytest.raises(CassetteError, match="nothing of it was written"):
        model.invoke("What is the key?")
    assert tape.text == before
    with pytest.raises(CassetteError, match="nothing of it was written"):
        cassette.finish()


def test_a_value_that_the_environment_holds_as_a_secret_is_refused_whatever_it_looks_like(tape, monkeypatch):
    monkeypatch.setenv("SOME_API_KEY", "correct horse battery staple")
    with pytest.raises(CassetteError, match="the value of SOME_API_KEY"):
        tape.record("a")[1].invoke("Is it correct horse battery staple?")


def test_a_file_that_somebody_changed_meanwhile_is_not_written_over(tape):
    _, model = tape.record("a", "b")
    model.invoke("One?")
    other = Tape(tape.path.parent, tape.clock)
    other.record("theirs")[1].invoke("Theirs?")
    before = tape.text
    with pytest.raises(CassetteError, match="changed by somebody else"):
        model.invoke("Two?")
    assert tape.text == before


def test_usage_reason_and_log_probabilities_come_back(tape):
    _, model = tape.record(Line("yes", tokens=(12, 3), logprobs=[("ye", -0.25), ("s", -0.5)]))
    said = model.invoke("Sure?")
    again = tape.replay()[1].invoke("Sure?")
    assert again.usage_metadata == said.usage_metadata == {"input_tokens": 12, "output_tokens": 3, "total_tokens": 15}
    assert again.response_metadata["logprobs"] == said.response_metadata["logprobs"]
    assert again.response_metadata["logprobs"]["content"][1] == {"token": "s", "logprob": -0.5}


def test_log_probabilities_that_spell_an_account_are_not_kept(tape):
    pieces = [(IBAN[at : at + 4], -0.1) for at in range(0, len(IBAN), 4)]
    _, model = tape.record(Line(IBAN, logprobs=pieces))
    assert "logprobs" not in model.invoke(f"Repeat {IBAN}.").response_metadata
    assert IBAN[4:8] not in tape.text


def test_live_is_the_model_itself_and_touches_no_file(tape):
    said = ScriptedModel(script=["a"])
    cassette = tape.cassette("live")
    assert cassette.model(NAME, lambda: said, {}) is said
    assert cassette.finish() == ()
    assert not tape.path.exists()


def test_many_threads_record_and_replay_every_answer(tape):
    cassette = tape.cassette("record")
    model = cassette.model(NAME, lambda: ScriptedModel(script=lambda messages: f"to {messages[0].text}"), {})

    def everyone(asked):
        said = {}
        threads = [threading.Thread(target=lambda n=n: said.update({n: asked.invoke(f"{n}?").text})) for n in range(8)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        return said

    expected = {n: f"to {n}?" for n in range(8)}
    assert everyone(model) == expected
    assert len(tape.recordings) == 8
    assert everyone(tape.replay()[1]) == expected


def test_a_mode_or_an_age_that_is_none_is_refused(tape):
    with pytest.raises(BadInput, match="'rewind' is no mode"):
        open_cassette(tape.path, "rewind")
    with pytest.raises(BadInput, match="from 0"):
        open_cassette(tape.path, "record", max_age_days=-1)
    with pytest.raises(CassetteError, match="No such file"):
        open_cassette(tape.path, "replay")


@pytest.mark.parametrize(
    "same",
    [
        {"messages": [HumanMessage("Hi", id="another")]},
        {"messages": [HumanMessage([{"type": "text", "text": "Hi", "id": "x"}])]},
        {
            "parameters": {
                "temperature": 0,
                "max_tokens": 9,
                "openai_api_key": "k",
                "base_url": "u",
                "max_retries": 3,
                "timeout": 1,
            }
        },
        {"parameters": {"temperature": 0, "max_tokens": 9, "seed": None}},
    ],
    ids=["message id", "content in blocks", "how it is reached", "a setting that is not set"],
)
def test_what_changes_no_answer_changes_no_key(same):
    base = {"messages": [HumanMessage("Hi")], "parameters": {"temperature": 0, "max_tokens": 9}}
    assert asked(**base | same).key == asked(**base).key


@pytest.mark.parametrize(
    ("other", "path"),
    [
        ({"model": "scripted:two"}, "model"),
        ({"messages": [HumanMessage("Hi"), HumanMessage("there")]}, "messages[1]"),
        ({"messages": [SystemMessage("Hi")]}, "messages[0].role"),
        ({"messages": [HumanMessage("Ho")]}, "messages[0].content"),
        ({"tools": [SCHEMA]}, "tools"),
        ({"tool_choice": "any"}, "tool_choice"),
        ({"stop": ["."]}, "stop"),
        ({"parameters": {"temperature": 0.5, "max_tokens": 9}}, "parameters.temperature"),
        ({"parameters": {"temperature": 0}}, "parameters.max_tokens"),
    ],
)
def test_everything_else_changes_the_key_and_is_named_as_the_difference(other, path):
    base = {"messages": [HumanMessage("Hi")], "parameters": {"temperature": 0, "max_tokens": 9}}
    one, two = asked(**base), asked(**base | other)
    assert one.key != two.key
    assert first_difference(one.bare(), two.bare())[0] == path


def asked(**given):
    return request_of(given.pop("model", NAME), given.pop("messages"), **given)


def test_the_present_moment_and_the_ids_of_tool_calls_do_not_count():
    def talk(now, call):
        return [
            HumanMessage(f'{{"id": "T-1", "now": "{now}"}}'),
            AIMessage("", tool_calls=[{"name": "look_up", "args": {"account": "1"}, "id": call}]),
            ToolMessage("found", tool_call_id=call),
        ]

    first = asked(messages=talk(datetime(2026, 9, 15, tzinfo=UTC), "call_abc"))
    assert first.key == asked(messages=talk(datetime(2027, 1, 1, tzinfo=UTC), "call_xyz")).key
    assert first.messages[2]["answers"] == first.messages[1]["tool_calls"][0]["id"] == "call_1"


def test_settings_with_no_plain_form_are_refused():
    with pytest.raises(CassetteError, match="cannot be kept"):
        asked(messages=[HumanMessage("Hi")], parameters={"penalty": object()})
    with pytest.raises(CassetteError, match="cannot be kept"):
        asked(messages=[HumanMessage("Hi")], parameters={"temperature": float("nan")})


def test_only_settings_that_change_answers_count():
    assert settings_that_count(
        {"temperature": 0.1, "max_tokens": 5, "default_headers": {}, "http_client": 1, "OPENAI_KEY": "x"}
    ) == {
        "temperature": 0.1,
        "max_tokens": 5,
    }
