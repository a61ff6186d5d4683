"""Brains on disk: whole or not at all, never over something else, and every kind of damage noticed."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shiftlead.agents.brain_files import CARD, BrainFolder, check_target, packed, read_folder, unpacked, write_folder
from shiftlead.core.errors import BadInput, Conflict

CONTENT = BrainFolder({"task": "test", "labels": ["ä", "b"]}, {"weights.npz": bytes(range(256)), "past.json": b"[1]"})


def written(folder: Path) -> Path:
    write_folder(folder, *CONTENT)
    return folder


def test_what_is_written_is_read_back(tmp_path):
    folder = written(tmp_path / "brain")
    assert read_folder(folder) == CONTENT
    assert sum(path.stat().st_size for path in folder.iterdir()) == CONTENT.size_bytes
    assert sorted(path.name for path in tmp_path.iterdir()) == ["brain"]


def test_an_empty_folder_is_filled(tmp_path):
    (tmp_path / "brain").mkdir()
    assert read_folder(written(tmp_path / "brain")) == CONTENT


def test_nothing_is_written_over(tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "notes.txt").write_text("keep")
    with pytest.raises(Conflict, match="not empty"):
        written(folder)
    assert [path.read_text() for path in folder.iterdir()] == ["keep"]
    (tmp_path / "file").write_text("keep")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for name in ("file", "link"):
        with pytest.raises(Conflict, match="no folder"):
            written(tmp_path / name)
    written(tmp_path / "once")
    with pytest.raises(Conflict, match="not empty"):
        written(tmp_path / "once")


def test_a_place_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(BadInput, match=r"there is no folder .*nowhere"):
        check_target(tmp_path / "nowhere" / "brain")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["../x.npz", "card.json", "a/b.npz", "run.py", ""])
def test_a_file_that_would_land_elsewhere_is_refused(tmp_path, name):
    with pytest.raises(BadInput, match="no name for a file"):
        write_folder(tmp_path / "brain", {}, {name: b""})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", [CARD, "weights.npz", "past.json"])
@given(place=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255))
@settings(deadline=None, max_examples=40)
def test_one_changed_byte_is_noticed(tmp_path_factory, name, place, flip):
    folder = written(tmp_path_factory.mktemp("brains") / "brain")
    data = bytearray((folder / name).read_bytes())
    where = int(place * len(data))
    data[where] ^= flip
    (folder / name).write_bytes(data)
    if name == CARD and where == len(data) - 1:
        return  # the line's end is not part of the card
    with pytest.raises(BadInput, match=r"damaged|missing|no brain"):
        read_folder(folder)


def test_a_missing_file_is_named(tmp_path):
    folder = written(tmp_path / "brain")
    (folder / "past.json").unlink()
    with pytest.raises(BadInput, match=r"past\.json is missing"):
        read_folder(folder)
    (folder / CARD).unlink()
    with pytest.raises(BadInput, match=r"has no card\.json"):
        read_folder(folder)


def test_what_is_no_brain_is_said_so(tmp_path):
    (tmp_path / "m.npz").write_text("no")
    with pytest.raises(BadInput, match="is a file"):
        read_folder(tmp_path / "m.npz")
    with pytest.raises(BadInput, match="no such folder"):
        read_folder(tmp_path / "none")
    (tmp_path / CARD).write_text("[]")
    with pytest.raises(BadInput, match=r"card\.json is damaged"):
        read_folder(tmp_path)


def test_a_file_that_the_card_does_not_name_is_left_out(tmp_path):
    folder = written(tmp_path / "brain")
    (folder / "added.npz").write_text("strange")
    assert read_folder(folder) == CONTENT


def test_a_brain_packs_into_the_same_bytes_and_back():
    data = packed(CONTENT)
    assert data == packed(CONTENT)
    assert unpacked(data) == CONTENT


@given(place=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255))
@settings(deadline=None, max_examples=60)
def test_a_damaged_pack_is_refused_or_reads_the_same(place, flip):
    data = bytearray(packed(CONTENT))
    data[int(place * len(data))] ^= flip
    try:
        outcome = unpacked(bytes(data))
    except BadInput as error:
        outcome = bool(error.hint)
    assert outcome in (CONTENT, True)


def test_the_card_is_canonical(tmp_path):
    text = (written(tmp_path / "brain") / CARD).read_text()
    assert text == json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n"
