"""`shiftlead eval company`, and what a new made-up company gets for its record."""

import json

from shiftlead.agents.triage import Triage
from shiftlead.core import certificates
from shiftlead.core.certificates import Method
from shiftlead.core.clock import SystemClock
from shiftlead.core.settings import locate
from shiftlead.evals.track_record import BEST_TIER, load_record

ALONE = "Runs alone at first"


def issued(folder):
    ledger = locate(folder).open_ledger(SystemClock())
    with ledger.reading() as session:
        found = certificates.listed(session)
    ledger.close()
    return {one.stand.kind: one for one in found if one.method is Method.RECORD}


def test_too_few_companies_prove_nothing_and_the_exit_code_says_so(run):
    told = json.loads(run("eval", "company", "--seeds", "3", "--size", "12", "--json", code=1).stdout)
    assert (told["passed"], told["seeds"], told["size"]) == (False, [3], 12)
    route = told["kinds"][0]
    assert (route["kind"], route["certification"]["certified"]) == ("ticket.route", False)
    assert route["every"]["n"] == told["tickets"] > 0


def test_the_record_is_written_and_can_be_read(run, tmp_path):
    path = tmp_path / "record.json"
    lower = Triage().model.tier != BEST_TIER
    found = run("eval", "company", "--seeds", "3-4", "--size", "12", "--write", str(path), code=2 if lower else 1)
    if not lower:
        assert "Below the bar" in found.stdout
        assert load_record(path).seeds == (3, 4)
    assert path.exists() is not lower


def test_seeds_that_are_none_are_refused(run):
    assert "no seed" in run("eval", "company", "--seeds", "many", code=2).output


def test_a_new_company_starts_with_what_its_brain_proved_in_others(run, tmp_path):
    found = run("init", str(tmp_path / "new"), "--size", "4", "--as", "lea")
    first = issued(tmp_path / "new")
    if Triage().model.tier == BEST_TIER:
        assert ALONE in found.stderr
        assert set(first) == {"ticket.route", "ticket.reply"}
        assert all(one.genuine(locate(tmp_path / "new").keys.ring()) for one in first.values())
    else:
        assert first == {}


def test_the_company_that_the_record_was_taken_with_starts_without(run, tmp_path):
    seed = load_record().seeds[0]
    found = run("init", str(tmp_path / "new"), "--size", "4", "--seed", str(seed), "--as", "lea")
    assert "A person decides" in found.stderr
    assert issued(tmp_path / "new") == {}


def test_a_workspace_with_real_exports_gets_nothing_for_made_up_ones(run, tmp_path):
    (tmp_path / "exports").mkdir()
    found = run(
        "init", str(tmp_path / "new"), "--connector", "files", "--folder", str(tmp_path / "exports"),
        "--house", "Nordwerk", "--email", "desk@nordwerk.example", "--phone", "+49 30 1234567", "--as", "lea",
    )  # fmt: skip
    assert ALONE not in found.output
    assert issued(tmp_path / "new") == {}


def test_a_demo_that_goes_on_gets_no_second_certificate(run, tmp_path):
    demo = ("demo", "--headless", "--size", "4", "--dir", str(tmp_path / "demo"), "--as", "lea")
    run(*demo)
    before = issued(tmp_path / "demo")
    assert ALONE not in run(*demo, "--keep").output
    assert issued(tmp_path / "demo") == before
