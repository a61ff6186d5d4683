"""Which policy is in force: a loosening needs a second person, and no edit of a file or a row puts another one in force."""

from datetime import timedelta
from importlib.resources import files

import pytest
from sqlalchemy import text

from shiftlead.core import policies
from shiftlead.core.errors import BadInput, Conflict, Forbidden, NotFound, PolicyError
from shiftlead.core.keys import LEDGER_KEY, SECRETS
from shiftlead.core.policies import Act, PolicyState
from shiftlead.core.settings import Operator, Place, Workspace
from shiftlead.guardrails import differences
from shiftlead.guardrails.drafts import draft, draft_of, parse_draft
from shiftlead.guardrails.enactment import adopt, in_force, newest, second

POLICY = """
name: stage
version: 1
owner: tests
escalate_to: lead
actions:
  invoice.post: {min_confidence: 0.5}
roles:
  operator: {up_to: {EUR: 25000}}
  lead: {}
  controller: {}
rules:
  - {id: S-1, lane: allowed, actions: [invoice.post], when: {amount: {at_most: {EUR: 5000}}}, reason: small, owner: t, source: t}
"""
OPERATORS = {"ana": "lead", "ben": "operator", "cyd": "controller", "dan": "controller"}
ANA, BEN, CYD, DAN = (Operator(name=name, role=role) for name, role in OPERATORS.items())
LOOSER = POLICY.replace("EUR: 5000", "EUR: 9000").replace("version: 1", "version: 2")
STRICTER = POLICY.replace("EUR: 5000", "EUR: 4000").replace("version: 1", "version: 2")


class Office:
    """A workspace with its ledger, as commands use them."""

    def __init__(self, folder, ledger):
        self.ledger = ledger
        self.place = Place(folder=folder, workspace=Workspace(policy="policy.yaml", operators=OPERATORS))
        for name in OPERATORS:
            self.place.keys.make(name)
        self.place.keys.make(LEDGER_KEY, here=True)
        self.write(POLICY)

    def write(self, text, name="policy.yaml"):
        (self.place.folder / name).write_text(text)

    def held(self):
        return in_force(self.ledger, self.place, self.place.keys.ring())

    def adopt(self, operator=CYD, reason="because"):
        keys = self.place.keys
        return adopt(
            self.ledger, self.place, draft_of(self.place), operator=operator, reason=reason,
            signing=keys.signer, keyring=keys.ring(),
        )  # fmt: skip

    def sign(self, operator, beginning=""):
        keys = self.place.keys
        beginning = beginning or newest(self.history()).digest
        return second(self.ledger, self.place, beginning, operator=operator, signing=keys.signer, keyring=keys.ring())

    def history(self):
        with self.ledger.reading() as session:
            return policies.history(session)

    def events(self, kind):
        return [one for one in self.ledger.events() if one.kind == kind]

    def run(self, statement, **values):
        with self.ledger.engine.begin() as connection:
            connection.execute(text(statement), values)


@pytest.fixture
def office(tmp_path, ledger, monkeypatch):
    monkeypatch.setenv(SECRETS, str(tmp_path / "own"))
    return Office(tmp_path, ledger)


@pytest.fixture(params=[True, False], ids=["z3", "no z3"])
def any_way(request, monkeypatch):
    if request.param:
        pytest.importorskip("z3")
    else:
        monkeypatch.setattr(differences, "available", lambda: False)


def test_the_first_policy_of_a_ledger_is_the_workspaces_own_signed_by_the_ledger(office):
    held = office.held()
    assert held.policy.ref == "stage@1"
    assert [(one.by, one.act) for one in held.version.signatures] == [(LEDGER_KEY, Act.FIRST)]
    [event] = office.events(policies.ADOPTED)
    assert (event.actor, event.data["digest"], event.data["replaces"]) == (LEDGER_KEY, held.policy.digest(), "")
    assert office.held().version == held.version
    assert len(office.events(policies.ADOPTED)) == 1


def test_an_edited_file_changes_nothing_and_is_told_of(office):
    office.held()
    office.write(LOOSER)
    held = office.held()
    assert held.policy.ref == "stage@1"
    assert "stage@2" in held.warnings[0]
    assert "shiftlead policy adopt" in held.warnings[0]


def test_a_file_that_does_not_load_leaves_what_is_in_force(office):
    office.held()
    office.write("name: [")
    held = office.held()
    assert held.policy.ref == "stage@1"
    assert "cannot be used" in held.warnings[0]


def test_a_remark_in_the_file_is_no_other_policy(office):
    office.held()
    office.write(POLICY + "# a remark\n")
    assert office.held().warnings == ()
    with pytest.raises(BadInput, match="is in force already"):
        office.adopt()


def test_a_tightening_holds_at_once(office):
    pytest.importorskip("z3")
    office.held()
    office.write(STRICTER)
    made = office.adopt()
    assert made.version.state is PolicyState.IN_FORCE
    assert (office.held().policy.ref, office.held().warnings) == ("stage@2", ())
    assert {one.ref: one.state for one in office.history()} == {"stage@2": PolicyState.IN_FORCE, "stage@1": PolicyState.RETIRED}


def test_a_loosening_waits_for_a_second_person(office, any_way):
    office.held()
    office.write(LOOSER)
    made = office.adopt()
    assert made.version.state is PolicyState.PROPOSED
    assert "invoice.post" in made.version.loosenings[0]
    assert office.held().policy.ref == "stage@1"
    signed = office.sign(ANA)
    assert [(one.by, one.act) for one in signed.signed_by] == [("cyd", Act.WROTE), ("ana", Act.SECOND)]
    assert office.held().policy.ref == "stage@2"
    event = office.events(policies.ADOPTED)[-1]
    assert (event.actor, event.data["loosenings"], event.data["policy"]) == ("ana", len(signed.loosenings), "stage@2")


@pytest.mark.parametrize(("operator", "why"), [(CYD, "you wrote it"), (BEN, "the role 'lead' or a higher one")])
def test_who_may_not_be_the_second(office, operator, why):
    office.held()
    office.write(LOOSER)
    office.adopt()
    with pytest.raises(Forbidden, match=why):
        office.sign(operator)
    assert office.held().policy.ref == "stage@1"


@pytest.mark.parametrize("operator", [ANA, BEN])
def test_only_the_highest_role_puts_a_policy_forward(office, operator):
    office.write(STRICTER)
    with pytest.raises(Forbidden, match="by the role 'controller'"):
        office.adopt(operator)


def test_one_person_is_enough_where_the_policy_in_force_says_so_and_that_is_recorded(office):
    office.write(POLICY + "separation: one_person\n")
    office.held()
    office.write(LOOSER + "separation: one_person\n")
    made = office.adopt()
    assert made.version.state is PolicyState.IN_FORCE
    assert made.version.loosenings
    assert [one.mode for one in made.version.signed_by] == ["one_person"]
    assert office.events(policies.ADOPTED)[-1].data["signed"][0]["mode"] == "one_person"
    assert office.held().policy.ref == "stage@2"


def test_a_policy_does_not_let_itself_in_by_saying_that_one_person_is_enough(office):
    office.held()
    office.write(LOOSER + "separation: one_person\n")
    assert office.adopt().version.state is PolicyState.PROPOSED


def test_a_reason_is_needed_and_a_policy_that_breaks_its_examples_is_refused(office):
    office.held()
    office.write(STRICTER)
    with pytest.raises(BadInput, match="needs a reason"):
        office.adopt(reason=" ")
    office.write(STRICTER.replace("source: t}", "source: t, examples: [{amount: 1 EUR, lane: prohibited}]}"))
    with pytest.raises(PolicyError, match="not fit to be used: S-1 example 1"):
        office.adopt()


def test_a_policy_that_nobody_could_change_again_is_refused(office):
    office.held()
    office.write(STRICTER.replace("  controller: {}", "  controller: {}\n  emperor: {}"))
    with pytest.raises(PolicyError, match="Nobody in this workspace has the role 'emperor'"):
        office.adopt()


def test_what_was_compared_with_another_policy_is_not_signed(office):
    office.held()
    office.write(LOOSER)
    waiting = office.adopt().version.digest
    office.write(STRICTER)
    office.adopt()
    with pytest.raises(NotFound, match="begins so"):
        office.sign(ANA, waiting[:12])
    office.run("update policy_version set state = 'proposed' where digest = :digest", digest=waiting)
    with pytest.raises(Conflict, match="another policy than the one in force"):
        office.sign(ANA, waiting)


def test_a_policy_comes_back_by_being_adopted_again(office):
    pytest.importorskip("z3")
    office.held()
    office.write(STRICTER)
    office.adopt()
    office.write(POLICY)
    assert office.adopt().version.state is PolicyState.PROPOSED
    office.sign(ANA)
    assert office.held().policy.ref == "stage@1"
    assert {one.ref: one.state for one in office.history()} == {"stage@1": PolicyState.IN_FORCE, "stage@2": PolicyState.RETIRED}


def edited(office, **columns):
    told = ", ".join(f"{name} = :{name}" for name in columns)
    office.run(f"update policy_version set {told} where state = 'in_force'", **columns)


@pytest.mark.parametrize(
    "columns",
    [
        {"text": LOOSER.replace("EUR: 9000", "EUR: 90000")},
        {"reason": "another"},
        {"loosenings": "[]"},
        {"replaces": ""},
        {"signatures": "[]"},
    ],
    ids=lambda one: next(iter(one)),
)
def test_a_row_that_somebody_edits_is_not_used(office, columns):
    office.held()
    office.write(LOOSER)
    office.adopt()
    office.sign(ANA)
    edited(office, **columns)
    with pytest.raises(PolicyError, match="do not hold"):
        office.held()


def test_the_second_signature_cannot_be_left_out(office):
    office.held()
    office.write(LOOSER)
    office.adopt()
    office.run("update policy_version set state = 'retired' where state = 'in_force'")
    office.run("update policy_version set state = 'in_force', in_force_at = proposed_at where state = 'proposed'")
    with pytest.raises(PolicyError, match="do not hold"):
        office.held()


def test_one_person_cannot_sign_twice(office):
    office.held()
    office.write(LOOSER)
    version = office.adopt().version
    at = version.signatures[0].at
    statement = version.statement(by="cyd", act=Act.SECOND, role="controller", mode="four_eyes", at=at)
    again = policies.PolicySignature(
        by="cyd", act=Act.SECOND, role="controller", mode="four_eyes", at=at,
        signature=office.place.keys.signer("cyd").sign(policies.PURPOSE, statement),
    )  # fmt: skip
    with office.ledger.transaction() as tx:
        signed = version.model_copy(
            update={"signatures": (*version.signatures, again), "state": PolicyState.IN_FORCE, "in_force_at": tx.now}
        )
        policies.enact(tx, signed)
    with pytest.raises(PolicyError, match="do not hold"):
        office.held()


def test_an_older_policy_cannot_be_put_back_by_a_row(office, clock):
    pytest.importorskip("z3")
    office.held()
    clock.advance(timedelta(hours=1))
    office.write(STRICTER)
    office.adopt()
    office.run("update policy_version set state = case when version = 1 then 'in_force' else 'retired' end, in_force_at = null")
    with pytest.raises(PolicyError, match=r"stage@2 came into force after stage@1"):
        office.held()


def test_removed_rows_do_not_let_the_file_in(office):
    office.held()
    office.run("delete from policy_version")
    office.write(LOOSER)
    with pytest.raises(PolicyError, match="the ledger holds none in force"):
        office.held()


def test_an_unknown_key_counts_for_nothing(office):
    office.held()
    office.write(LOOSER)
    office.adopt()
    office.sign(ANA)
    (office.place.keys.public / "ana.pub").unlink()
    with pytest.raises(PolicyError, match="do not hold"):
        office.held()


def test_without_a_key_nobody_adopts(office, tmp_path, monkeypatch):
    office.held()
    monkeypatch.setenv(SECRETS, str(tmp_path / "empty"))
    office.write(STRICTER)
    with pytest.raises(NotFound, match="no secret key"):
        office.adopt()
    assert office.held().policy.ref == "stage@1"


def test_a_pack_in_a_file_is_part_of_what_was_signed(office, tmp_path):
    pack = files("shiftlead.guardrails").joinpath("pack_house_contact.yaml").read_text()
    pack = pack.replace("pack: house-contact", "pack: mine")
    text = POLICY.replace("  invoice.post: {min_confidence: 0.5}", "  invoice.post: {min_confidence: 0.5}\n  reminder.send: {}")
    office.write(pack, "mine.yaml")
    office.write("packs: [mine.yaml]\n" + text)
    held = office.held()
    assert held.policy.packs
    office.write(pack.replace("lane: prohibited", "lane: reviewed"), "mine.yaml")
    again = office.held()
    assert again.policy.digest() == held.policy.digest()
    assert "is not what is in force" in again.warnings[0]


def test_a_pack_outside_the_folder_is_refused(office, tmp_path):
    (tmp_path / "other.yaml").write_text("packs: [../mine.yaml]\n" + POLICY)
    with pytest.raises(PolicyError, match="does not lie beside the policy"):
        draft(tmp_path / "other.yaml")


def forged(office, *acts, **fields):
    """A policy in force that was written into the ledger past every check, signed by these people."""
    found = parse_draft(LOOSER, origin="forged")
    now = office.held().version
    values = {"replaces": now.digest, "reason": "because", **fields}
    at = now.proposed_at + timedelta(hours=1)
    version = policies.PolicyVersion(
        digest=found.digest(), name=found.name, version=found.version, text=LOOSER, state=PolicyState.IN_FORCE,
        proposed_at=at, in_force_at=at, **values,
    )  # fmt: skip
    for by, act in acts:
        statement = version.statement(by=by, act=act, role="controller", mode="four_eyes", at=at)
        made = office.place.keys.signer(by).sign(policies.PURPOSE, statement)
        one = policies.PolicySignature(by=by, act=act, role="controller", mode="four_eyes", at=at, signature=made)
        version = version.model_copy(update={"signatures": (*version.signatures, one)})
    with office.ledger.transaction() as tx:
        policies.put(tx, version)
    office.run("update policy_version set state = 'retired' where digest <> :d", d=version.digest)


@pytest.mark.parametrize(
    ("acts", "fields"),
    [
        ([("ben", Act.FIRST)], {"replaces": ""}),
        ([("cyd", Act.FIRST)], {"replaces": ""}),
        ([("ben", Act.WROTE)], {}),
        ([("ben", Act.WROTE), ("ben", Act.ENTERED)], {}),
        ([("cyd", Act.WROTE)], {}),
        ([("cyd", Act.WROTE), ("dan", Act.ENTERED)], {}),
        ([("ana", Act.WROTE), ("ben", Act.SECOND)], {"loosenings": ("a thing",)}),
    ],
    ids=["an operator begins anew", "so does a controller", "a role too low", "who enters it too", "a lie about what it loosens",
         "entered by another", "seconded by a role too low"],
)  # fmt: skip
def test_nobody_puts_a_policy_in_force_past_the_checks(office, acts, fields):
    """Their own keys are not enough: what was compared and by whom it may be signed is vouched for by the ledger's key."""
    forged(office, *acts, **fields)
    with pytest.raises(PolicyError, match="do not hold"):
        office.held()


def test_the_ledger_vouches_for_what_was_put_in_force(office):
    office.held()
    office.write(LOOSER)
    office.adopt()
    office.sign(ANA)
    version = office.held().version
    assert [(one.by, one.act) for one in version.signatures] == [
        ("cyd", Act.WROTE), ("ana", Act.SECOND), (LEDGER_KEY, Act.ENTERED),
    ]  # fmt: skip
    assert [one.by for one in version.signed_by] == ["cyd", "ana"]
    assert office.events(policies.ADOPTED)[-1].actor == "ana"
