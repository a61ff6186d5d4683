"""Keys: a signature proves who said exactly what, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shiftlead.core.errors import Forbidden, NotFound, SettingsError
from shiftlead.core.keys import SECRETS, KeyFolder, Keyring, Signer

ANA, BEN = Signer.fresh("ana"), Signer.fresh("ben")
RING = Keyring.of([ANA, BEN])
SAID = {"request": "req_1", "amount": "12.50", "digest": "ab"}


def test_what_was_signed_holds():
    assert RING.holds("ana", "decision", SAID, ANA.sign("decision", SAID))


@pytest.mark.parametrize(
    ("name", "purpose", "statement", "signature"),
    [
        ("ben", "decision", SAID, ANA.sign("decision", SAID)),
        ("ana", "policy", SAID, ANA.sign("decision", SAID)),
        ("ana", "decision", SAID | {"amount": "99.00"}, ANA.sign("decision", SAID)),
        ("ana", "decision", SAID, ""),
        ("ana", "decision", SAID, "not base64"),
        ("ana", "decision", SAID, "AAAA"),
        ("eve", "decision", SAID, ANA.sign("decision", SAID)),
    ],
    ids=["another person", "another purpose", "another statement", "nothing", "noise", "too short", "an unknown name"],
)
def test_nothing_else_holds(name, purpose, statement, signature):
    assert not RING.holds(name, purpose, statement, signature)


@given(st.dictionaries(st.text(max_size=5), st.text(max_size=8), max_size=4), st.text(max_size=5))
def test_a_changed_statement_never_holds(statement, extra):
    signature = ANA.sign("decision", statement)
    assert RING.holds("ana", "decision", statement, signature)
    assert not RING.holds("ana", "decision", statement | {"more": extra}, signature)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(SECRETS, str(tmp_path / "secret"))
    return KeyFolder(tmp_path / "workspace")


@pytest.mark.parametrize("name", ["ana", "Ana Ruiz", "../eve", "ö/ü", "@ledger"])
def test_a_key_is_made_once_and_read_again(folder, name):
    made = folder.make(name)
    assert folder.make(name).public == made.public == folder.signer(name).public
    assert folder.ring().names == (name,)
    assert {path.parent for path in folder.public.rglob("*.pub")} == {folder.public}
    (secret,) = folder.secrets.glob("*.key")
    assert secret.stat().st_mode & 0o777 == 0o600


def test_the_workspaces_own_key_stays_with_it(folder, monkeypatch, tmp_path):
    made = folder.make("@ledger", here=True)
    monkeypatch.setenv(SECRETS, str(tmp_path / "somebody else's"))
    assert folder.signer("@ledger").public == made.public


def test_a_secret_key_that_others_can_read_is_refused(folder):
    folder.make("ana")
    next(folder.secrets.glob("*.key")).chmod(0o644)
    with pytest.raises(Forbidden, match="Others may read"):
        folder.signer("ana")


def test_a_missing_secret_key_says_how_to_make_one(folder):
    with pytest.raises(NotFound, match="shiftlead operator key ana"):
        folder.signer("ana")


def test_a_key_the_workspace_does_not_trust_signs_nothing(folder):
    folder.make("ana")
    next(folder.public.glob("*.pub")).unlink()
    with pytest.raises(Forbidden, match="trusts no key"):
        folder.signer("ana")


def test_a_trusted_name_cannot_be_taken_with_a_new_key(folder, tmp_path, monkeypatch):
    folder.make("ana")
    monkeypatch.setenv(SECRETS, str(tmp_path / "eve"))
    with pytest.raises(Forbidden, match="trusts a key of 'ana'"):
        folder.make("ana")


@pytest.mark.parametrize(
    "text",
    ["", "shiftlead-ed25519 AAAA ana", "shiftlead-ed25519 " + BEN.public + " ben"],
    ids=["nothing", "no key", "another's"],
)
def test_a_public_file_that_holds_no_key_of_that_name_is_refused(folder, text):
    folder.public.mkdir(parents=True)
    (folder.public / "ana.pub").write_text(text)
    with pytest.raises(SettingsError, match=r"ana\.pub"):
        folder.ring()
