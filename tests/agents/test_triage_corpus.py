"""The corpus that ships with the worker is the one the shipped brain was made from."""

from pathlib import Path

from shiftlead.agents import triage_corpus
from shiftlead.agents.triage_corpus import OUT_OF_SCOPE, build, intents, pack_public, shipped


def test_it_knows_every_intent_and_what_is_none():
    found = shipped()
    assert {one.label for one in found} == set(intents())
    assert sum(one.label == OUT_OF_SCOPE for one in found) > 1000
    assert len(set(found)) == len(found) == 17_222


def test_it_is_what_the_public_sets_give(shared_data):
    folder = shared_data / "triage"
    assert shipped() == build(folder)
    packed = Path(triage_corpus.__file__).with_name("triage_public.jsonl.gz").read_bytes()
    assert pack_public(folder) == packed
