"""Only what passes is asked again, and no sooner than the provider wishes."""

from datetime import UTC, datetime
from types import SimpleNamespace

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from shiftlead.agents.failures import LONGEST_PAUSE, cause, hopeless, passing, pause_after, status_of
from shiftlead.agents.scripted import ScriptedFailure
from shiftlead.core.errors import BadInput, NotFound, Unreachable

NOW = datetime(2026, 9, 15, 9, 0, tzinfo=UTC)


def http_error(status, **headers):
    """What a client on httpx raises: the status is the response's."""
    request = httpx.Request("POST", "http://models.example")
    return httpx.HTTPStatusError("no", request=request, response=httpx.Response(status, headers=headers, request=request))


class APITimeoutError(Exception):
    """Named as the clients of OpenAI and Anthropic name it."""


class GoogleError(Exception):
    """Says its status as Google's client does."""

    def __init__(self, code):
        super().__init__("no")
        self.code = code


class Retryable(Exception):
    """Says of itself that it passes, as LangChain's own errors do."""

    is_retryable = True


def validation_error():
    with pytest.raises(ValidationError) as raised:
        TypeAdapter(int).validate_python("x")
    return raised.value


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503, 504, 529])
def test_a_status_that_passes(status):
    assert all(passing(error) for error in (ScriptedFailure(status), http_error(status), GoogleError(status)))


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 413, 422])
def test_a_status_that_stays(status):
    assert not any(passing(error) for error in (ScriptedFailure(status), http_error(status), GoogleError(status)))


@pytest.mark.parametrize(
    "error",
    [TimeoutError(), ConnectionResetError(), APITimeoutError(), Retryable(), httpx.ConnectError("no"), httpx.ReadTimeout("no"),
     httpx.RemoteProtocolError("no"), type("Later", (APITimeoutError,), {})()],
    ids=lambda error: type(error).__name__,
)  # fmt: skip
def test_without_a_status_the_name_tells(error):
    assert passing(error)


@pytest.mark.parametrize(
    "error",
    [ValueError("503 timeout"), KeyError("choices"), RuntimeError("connection"), NotFound("x"), BadInput("timeout"), Unreachable("x"),
     NotImplementedError()],
    ids=lambda error: type(error).__name__,
)  # fmt: skip
def test_a_mistake_is_not_repeated_whatever_its_text_says(error):
    assert not passing(error)


def test_an_answer_that_does_not_fit_is_not_repeated():
    assert not passing(validation_error())


def test_a_status_wins_over_a_name():
    error = type("ConnectionTimeout", (ScriptedFailure,), {})(400)
    assert not passing(error)


def test_a_code_in_words_is_no_status():
    assert status_of(SimpleNamespace(code="rate_limit", response=None)) is None
    assert status_of(SimpleNamespace(code=True)) is None
    assert status_of(SimpleNamespace(status_code=-1)) is None


def test_no_question_helps_where_the_provider_knows_neither_us_nor_the_model():
    assert [status for status in (400, 401, 403, 404, 422) if hopeless(ScriptedFailure(status))] == [401, 403, 404]


def test_pauses_double_up_to_the_longest():
    pauses = [pause_after(TimeoutError(), tried, NOW) for tried in range(8)]
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [("7", 7), ("0.5", 0.5), ("0", 0), ("3600", LONGEST_PAUSE), ("Tue, 15 Sep 2026 09:00:30 GMT", 30),
     ("Tue, 15 Sep 2026 08:00:00 GMT", 0), ("", 4), ("soon", 4), ("-5", 4), ("nan", 4), ("inf", 4), ("1e9", 4)],
)  # fmt: skip
def test_the_provider_says_how_long_to_wait(asked, seconds):
    assert pause_after(http_error(429, **{"retry-after": asked}), 2, NOW) == seconds
    assert pause_after(ScriptedFailure(429, retry_after=asked), 2, NOW) == seconds


@given(asked=st.text(max_size=40), tried=st.integers(0, 10))
def test_whatever_the_provider_says_a_pause_is_bounded(asked, tried):
    assert 0 <= pause_after(ScriptedFailure(429, retry_after=asked), tried, NOW) <= LONGEST_PAUSE


def test_only_the_first_line_of_an_error_is_told():
    assert cause(ValueError("no key\nsk-secret")) == "ValueError: no key"
    assert cause(TimeoutError()) == "TimeoutError"
    assert len(cause(ValueError("x" * 5000))) < 250
