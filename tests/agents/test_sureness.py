"""How sure a model is of itself is read from three places, and means nothing until reviewed cases say so."""

import json
import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage

from shiftlead.agents.sureness import Method, Sureness, agreed, decision, likelihood, meant, unknown
from shiftlead.agents.worker import Assessment
from shiftlead.connectors.records import Ticket
from shiftlead.connectors.testing import MemoryConnector
from shiftlead.core.action import Action, Proposal, Target
from shiftlead.core.clock import FrozenClock
from shiftlead.core.money import Money

ANSWER = (
    '{"rationale": "the \\"action\\": is clear", "action": "invoice.post", "arguments": {"action": "x"}, "target_id": "I-1"}'
)


def message(tokens, **metadata):
    content = [{"token": token, "logprob": value} for token, value in tokens]
    return AIMessage(content="", response_metadata={"logprobs": {"content": content}, **metadata})


def cut(text, certain=(), size=3):
    """`text` in tokens of a few characters; those that touch one of `certain` are 0.9 likely, the others a coin's toss."""
    tokens, at = [], 0
    places = [(text.index(words), text.index(words) + len(words)) for words in certain]
    for start in range(0, len(text), size):
        token = text[start : start + size]
        touches = any(start < end and start + len(token) > begin for begin, end in places)
        tokens.append((token, math.log(0.9 if touches else 0.5)))
        at += touches
    return tokens, at


# Log-probabilities


@pytest.mark.parametrize("size", [1, 3, 7, 500])
def test_only_the_words_that_decide_count(size):
    tokens, number = cut(ANSWER, certain=('"invoice.post"', '"I-1"'), size=size)
    assert likelihood(message(tokens)) == pytest.approx(0.9**number)


def test_an_answer_in_prose_or_in_a_fence_counts_the_same():
    tokens, number = cut(f"```json\n{ANSWER}\n```", certain=('"invoice.post"', '"I-1"'))
    assert likelihood(message(tokens)) == pytest.approx(0.9**number)


@pytest.mark.parametrize(
    "told",
    [
        None,
        {},
        {"content": None},
        {"content": []},
        {"content": "text"},
        {"content": [{"token": ANSWER}]},
        {"content": [{"token": ANSWER, "logprob": "certain"}]},
        {"content": [{"token": ANSWER, "logprob": float("nan")}]},
        {"content": [{"token": ANSWER, "logprob": float("-inf")}]},
        {"content": [{"token": None, "logprob": -0.1}]},
        {"content": [{"token": ANSWER[:40], "logprob": -0.1}]},
        {"content": [{"token": "no answer", "logprob": -0.1}]},
        {"content": [{"token": '{"action": "a"}', "logprob": -0.1}]},
        {"content": [{"token": '{"action": "a", "target_id": "1", "action": "b"}', "logprob": -0.1}]},
        {"content": ["x"]},
        [],
        7,
    ],
    ids=str,
)
def test_a_provider_that_does_not_tell_has_no_likelihood(told):
    assert likelihood(AIMessage(content="", response_metadata={} if told is None else {"logprobs": told})) is None


def test_a_list_of_tokens_is_read_as_well():
    assert likelihood(AIMessage(content="", response_metadata={"logprobs": [{"token": ANSWER, "logprob": -0.5}]})) == math.exp(
        -0.5
    )


@given(st.lists(st.tuples(st.text(max_size=6), st.floats(max_value=0.5)), max_size=12))
def test_a_likelihood_is_a_share_of_one_whatever_is_told(tokens):
    found = likelihood(message([(ANSWER, -0.1), *tokens]))
    assert found is None or 0 <= found <= 1


# Agreement with itself


@pytest.fixture
def operation_of():
    clock = FrozenClock(datetime(2026, 9, 15, tzinfo=UTC))
    connector = MemoryConnector([Ticket(id="T-1", subject="?", created_at=clock.now())], clock=clock)
    yield connector.operation
    connector.close()


def hold(reason="goods are missing since Monday", target="I-1", **arguments):
    given = {"invoice_id": target, "reason": reason, **arguments}
    return assessment(Action(kind="invoice.hold", target=_target(target), arguments=given))


def post(amount, iban="DE89370400440532013000"):
    given = {"invoice_id": "I-1", "amount": amount, "currency": "EUR", "iban": iban}
    return assessment(Action(kind="invoice.post", target=_target("I-1"), arguments=given, amount=Money.of(amount, "EUR")))


def assessment(action):
    return Assessment(proposals=(Proposal(action=action, rationale="r"),))


def _target(name):
    return Target(system="memory", kind="invoice", id=name)


def test_the_answer_of_most_wins_and_its_share_is_told(operation_of):
    other = hold(target="I-2")
    assert agreed([other, hold(), hold("nobody has seen the goods"), None], operation_of) == (1, 2)


def test_of_equals_the_earliest_wins(operation_of):
    assert agreed([post("119.00"), hold()], operation_of) == (0, 1)


def test_wording_and_trailing_zeros_make_no_difference_but_values_do(operation_of):
    assert decision(hold("one long reason of many words"), operation_of) == decision(
        hold("nobody has seen the goods"), operation_of
    )
    assert decision(post("119.0"), operation_of) == decision(post("119.00"), operation_of)
    assert decision(post("119.00"), operation_of) != decision(post("119.01"), operation_of)
    assert decision(post("119.00", iban="GB29NWBK60161331926819"), operation_of) != decision(post("119.00"), operation_of)


def test_a_question_and_doing_nothing_are_decisions_too(operation_of):
    asked, nothing = Assessment(question="Who?"), Assessment()
    assert decision(asked, operation_of) == decision(Assessment(question="What?"), operation_of)
    assert len({decision(one, operation_of) for one in (asked, nothing, hold())}) == 3


# What it means


def sure(value=0.7, method=Method.STATED, **kwargs):
    return Sureness(value=value, method=method, **kwargs)


def test_nobody_can_say_what_a_number_means_until_cases_were_reviewed():
    assert meant(sure(), unknown) is None
    assert meant(None, lambda _: 1.0) is None


@pytest.mark.parametrize("value", [1.01, -0.1, float("nan"), float("inf"), None])
def test_a_meaning_that_is_no_share_of_one_counts_as_none(value):
    assert meant(sure(), lambda _: value) is None


def test_reviewed_cases_say_what_a_number_is_worth():
    assert meant(sure(0.99), lambda one: one.value / 2) == 0.495


@pytest.mark.parametrize(
    ("one", "meaning", "told"),
    [
        (sure(0.93), None, "(The model says it is 93% sure; nothing certifies that.)"),
        (sure(0.93), 0.81, "(The model says it is 93% sure; reviewed cases make that 81%.)"),
        (sure(2 / 3, Method.SAMPLES, samples=3), None, "(2 of 3 answers of the model agree; nothing certifies that.)"),
        (sure(0.714, Method.LOGPROBS), None, "(The model's words were 71% likely; nothing certifies that.)"),
    ],
)
def test_the_approver_reads_where_the_number_comes_from(one, meaning, told):
    assert one.told(meaning) == told


def test_a_number_is_kept_as_json():
    assert json.loads(sure().model_dump_json())["method"] == "stated"
