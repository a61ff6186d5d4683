"""The workspace file: found where it lies, and every mistake in it named with file and field."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from shiftlead.core.errors import Forbidden, NotFound, SettingsError
from shiftlead.core.settings import (
    FILE_NAME,
    PLACE,
    WHO,
    ConnectorSettings,
    Place,
    Workspace,
    add_operator,
    locate,
    read_workspace,
    write_workspace,
)


@pytest.fixture(autouse=True)
def _nowhere(monkeypatch, tmp_path):
    monkeypatch.delenv(PLACE, raising=False)
    monkeypatch.delenv(WHO, raising=False)
    monkeypatch.chdir(tmp_path)


def test_what_is_written_is_read_back(tmp_path):
    workspace = Workspace(
        connectors={"company": ConnectorSettings(settings={"path": "company.db"}), "files": ConnectorSettings()},
        operators={"ana": "operator", "übersee": "lead"},
        policy="policy.yaml",
    )
    path = write_workspace(tmp_path / "new" / "place", workspace)
    assert read_workspace(path) == workspace


def test_an_existing_workspace_is_left_alone(tmp_path):
    write_workspace(tmp_path, Workspace())
    before = (tmp_path / FILE_NAME).read_bytes()
    with pytest.raises(SettingsError, match="exists already"):
        write_workspace(tmp_path, Workspace(brain="other"))
    assert (tmp_path / FILE_NAME).read_bytes() == before


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("ledger: [1", "line"),
        ("- a\n- b\n", "not a mapping"),
        ("", "not a mapping"),
        ("just words", "not a mapping"),
        ("ledgr: x\n", "ledgr"),
        ("workers: 7\n", "workers"),
        ("connectors: {company: {pluggin: x}}\n", "connectors.company.pluggin"),
        ("operators: {ana: [lead]}\n", "operators.ana"),
        ("!!python/object/apply:os.getcwd []\n", "cannot be read"),
        ("\xff\xfe", "cannot be read"),
    ],
)
def test_a_mistake_names_the_file_and_the_field(tmp_path, text, says):
    path = tmp_path / FILE_NAME
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(SettingsError, match=says) as caught:
        read_workspace(path)
    assert str(path) in caught.value.message
    assert caught.value.hint


def test_it_is_found_here_or_above_or_where_the_environment_says(tmp_path, monkeypatch):
    write_workspace(tmp_path, Workspace())
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    monkeypatch.chdir(deep)
    assert locate().folder == tmp_path.resolve()
    other = tmp_path / "other"
    write_workspace(other, Workspace())
    monkeypatch.setenv(PLACE, str(other))
    assert locate().folder == other.resolve()
    assert locate(tmp_path).folder == tmp_path.resolve()


def test_there_is_none(tmp_path):
    for folder in (None, tmp_path, tmp_path / "missing"):
        with pytest.raises(NotFound, match=r"no shiftlead\.yaml") as caught:
            locate(folder)
        assert "shiftlead init" in caught.value.hint


def test_a_relative_ledger_lies_in_the_workspace_and_others_stay(tmp_path):
    def url(ledger):
        return Place(folder=tmp_path, workspace=Workspace(ledger=ledger)).ledger_url()

    assert url("sqlite:///ledger.db") == f"sqlite:///{tmp_path.resolve() / 'ledger.db'}"
    assert url("sqlite:////var/l.db") == "sqlite:////var/l.db"
    assert url("postgresql://h/db") == "postgresql://h/db"


def test_who_decides(tmp_path, monkeypatch):
    place = Place(folder=tmp_path, workspace=Workspace(operators={"ana": "operator", "ben": "lead"}))
    assert (place.operator("ben").name, place.operator("ben").role) == ("ben", "lead")
    monkeypatch.setenv(WHO, "ana")
    assert place.operator().role == "operator"
    with pytest.raises(Forbidden, match="'eve' is not an operator") as caught:
        place.operator("eve")
    assert "ana, ben" in caught.value.hint


def test_nobody_is_an_operator_by_accident():
    with pytest.raises(Forbidden):
        Place(folder=Path(), workspace=Workspace()).operator("")


@pytest.mark.parametrize("name", ["worker:invoices", "grant:gr_1", "@ledger", "@ana", "System", "executor"])
def test_nobody_is_called_like_a_worker_a_grant_or_the_ledger(name):
    with pytest.raises(ValidationError, match="is no name of a person"):
        Workspace(operators={name: "lead"})


def test_an_operator_is_added_and_every_other_line_stays(tmp_path):
    path = tmp_path / "shiftlead.yaml"
    path.write_text("# ours\ntenant: main\noperators: # who decides\n  ana: lead  # the boss\nbrain: embedded\n")
    add_operator(path, "ben", "operator")
    assert path.read_text() == (
        "# ours\ntenant: main\noperators: # who decides\n  ben: operator\n  ana: lead  # the boss\nbrain: embedded\n"
    )
    with pytest.raises(SettingsError, match="already"):
        add_operator(path, "ben", "lead")
    path.write_text("tenant: main\n")
    add_operator(path, "true", "lead")
    assert read_workspace(path).operators == {"true": "lead"}, "a name that YAML would take for something else is quoted"
