"""Kill -9 at every boundary of a case: no case is lost, nothing happens twice, and the case ends as if nobody had been killed."""

import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest
from crash_matrix import PATHS

SCRIPT = Path(__file__).with_name("crash_matrix.py")
USUAL = ("allowed", "reviewed", "two_actions", "lost_answer", "moved")
RARE = tuple(name for name in PATHS if name not in USUAL)


def run_matrix(folder, grain, *names):
    command = [sys.executable, str(SCRIPT), str(folder), grain, *names]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr[-3000:]
    found = defaultdict(list)
    for line in ran.stdout.splitlines():
        row = json.loads(line)
        found[row["path"]].append(row)
    return found


def check(name, rows):
    path, (undisturbed, *killed) = PATHS[name], rows
    expected = undisturbed["end"]
    assert "error" not in expected, expected["error"]
    assert (expected["state"], expected["outcome"]) == ("closed", path.get("outcome", "done"))
    assert expected["journal"] == path.get("journal", ["invoice.post"])
    assert (expected["duplicates"], expected["breaks"], expected["pending"], expected["checkpoint"]) == ({}, [], [], 0)
    assert len(killed) >= 12, "too few boundaries to mean anything"
    assert all(row["killed"] for row in killed)
    ends = [expected]
    if path.get("may_be_refused"):
        # Killed after it took the right to send and before it sent: nobody can tell, and the person found that nothing happened.
        nothing = {"outcome": "refused", "actions": [["invoice.post", "refused"]], "effects": [["invoice.post", "refused"]]}
        ends.append({**expected, **nothing, "journal": [], "exposure": []})
    wrong = {f"{row['number']} {row['boundary']}": row["end"] for row in killed if row["end"] not in ends}
    assert wrong == {}, f"killed there, it ends differently from {expected}"


@pytest.fixture(scope="module")
def usual(tmp_path_factory):
    return run_matrix(tmp_path_factory.mktemp("usual"), "steps", *USUAL)


@pytest.mark.parametrize("name", USUAL)
def test_killed_at_any_step_the_case_ends_the_same(usual, name):
    check(name, usual[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", RARE)
def test_killed_at_any_step_of_a_rare_path_the_case_ends_the_same(tmp_path, name):
    check(name, run_matrix(tmp_path, "steps", name)[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", PATHS)
def test_killed_before_any_statement_the_case_ends_the_same(tmp_path, name):
    check(name, run_matrix(tmp_path, "statements", name)[name])
