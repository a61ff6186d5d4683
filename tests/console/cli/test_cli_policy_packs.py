"""`policy packs`: what contact rules there are, and where they are in force."""

import json

from shiftlead.console.cli_policy_packs import listed
from shiftlead.guardrails.packs import shipped_packs
from shiftlead.guardrails.policy import load_policy, policy_text, shipped_policy

OWN = """pack: mine
title: Mine
jurisdiction: MX
version: 2
checked_on: 2026-11-01
owner: me
note: Not legal advice.
sources: [somewhere]
actions: [reminder.send]
rules:
  - {id: C3-mine, lane: prohibited, actions: [reminder.send], when: {contacts_last_7_days: {at_least: 2}}, reason: No., owner: me,
     source: my law, examples: [{contacts_last_7_days: 2, lane: prohibited}]}
"""


def test_every_pack_is_listed_with_what_it_is_and_where_it_holds(worked, told, run):
    rows = {one["pack"]: one for one in told("policy", "packs")}
    assert set(rows) == set(shipped_packs())
    reg_f = rows["us-reg-f"]
    assert (reg_f["jurisdiction"], reg_f["version"], reg_f["checked_on"]) == ("US", 1, "2026-11-22")
    assert reg_f["rules"] == len(shipped_packs()["us-reg-f"].rules)
    assert reg_f["in_force"] == f"house@1; {len(shipped_policy().packs[1].everyone)} for everyone"
    assert rows["eu-b2b"]["in_force"] == "house@1"
    text = run("policy", "packs").stdout
    assert "us-reg-f" in text
    assert "US debt collection: Regulation F" in text


def test_a_pack_with_every_rule_its_reason_and_source(worked, told, run):
    pack = told("policy", "packs", "us-nyc")
    assert [one["rule"] for one in pack["rules"]] == ["C3-cap", "C3-consent"]
    assert [one["everyone"] for one in pack["rules"]] == [True, False]
    assert all(one["reason"] and one["source"] for one in pack["rules"])
    assert (pack["retention_years"], pack["parameters"]) == (3, {"contacts_per_7_days": 3})
    assert "written_consent" in pack["facts"]
    text = run("policy", "packs", "us-nyc").stdout
    assert "not legal advice" in text
    assert "    At most 3 contacts in seven days, over all channels.\n" in text
    assert "[6 RCNY 5-77, as amended 2026; pack us-nyc@1]\n" in run("policy", "explain", "C3-cap").stdout


def test_packs_are_read_without_a_workspace(tmp_path, monkeypatch, run):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SHIFTLEAD_WORKSPACE", raising=False)
    rows = json.loads(run("policy", "packs", "--json").stdout)
    assert {one["in_force"] for one in rows} == {""}


def test_a_pack_of_ones_own_is_listed_where_the_policy_has_adopted_it(tmp_path, told):
    (tmp_path / "mine.yaml").write_text(OWN)
    house = policy_text(None).replace("  - house-contact\n", "  - house-contact\n  - mine.yaml\n")
    (tmp_path / "policy.yaml").write_text(house)
    rows = {one["pack"]: one for one in listed(load_policy(tmp_path / "policy.yaml"))}
    assert (rows["mine"]["in_force"], rows["mine"]["version"], rows["mine"]["rules"]) == ("house@1", 2, 1)
    assert told("policy", "packs", str(tmp_path / "mine.yaml"))["title"] == "Mine"


def test_an_unknown_pack_is_answered_with_the_nearest(worked, run):
    result = run("policy", "packs", "us-ncy", code=3)
    assert "There is no pack 'us-ncy'" in result.stderr
    assert "'us-nyc'" in result.stderr
