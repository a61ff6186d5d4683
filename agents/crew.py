"""The crew of a workspace: its workers, brain, connectors and guard, put together once per process."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ..connectors.base import Connector, Operation
from ..connectors.execution import Observer
from ..connectors.executor import Executor
from ..connectors.intake import Intake
from ..connectors.registry import load_connector, load_plugin
from ..core import operations, policies, queue
from ..core.action import Proposal
from ..core.actions import SealedAction
from ..core.case import Case, TicketItem
from ..core.clock import Clock, SystemClock
from ..core.errors import SettingsError
from ..core.operations import OperationSpec
from ..core.queue import Claim
from ..core.roster import Roster, Signing
from ..core.settings import FILE_NAME, Place
from ..core.store import Ledger, Transaction
from ..guardrails.disclosure import FACT
from ..guardrails.enactment import in_force
from ..guardrails.gate import Guard
from ..guardrails.personal_data import Recogniser
from ..guardrails.policy import Policy
from ..guardrails.presidio import open_recognisers
from ..guardrails.provenance import AUTHORITY_FACTS, GATE_FACTS, provenance
from ..guardrails.quorum import Quorum
from ..guardrails.standing import BRAIN, QUALITY_DRAW
from ..tools.desk import Desk
from .brain import Brain
from .champions import Cast, Champions
from .parties import tells_of_others
from .playbook import Playbook, load_playbook
from .turns import Ask
from .worker import Worker
from .workspace_brain import workspace_brain

if TYPE_CHECKING:
    from .cassette import Cassette

WORKERS = "shiftlead.workers"
"""The entry-point group that plugins and our own workers register in."""

EMBEDDED_COMPANY = "company"
"""The connector whose customers are made up, so that the playbooks' own house may write to them."""

FIRST_REST = timedelta(seconds=2)
LONGEST_REST = timedelta(minutes=15)


class Crew:
    """Everything that works on the cases of one workspace."""

    def __init__(
        self,
        ledger: Ledger,
        *,
        connectors: Mapping[str, Connector],
        workers: Mapping[str, Worker],
        policy: Policy,
        brain: Brain,
        roster: Roster,
        sealing: Signing | None = None,
        recognisers: Sequence[Recogniser] = (),
        under: str = "",
        observer: Observer = lambda _: None,
    ) -> None:
        """`roster` says who may approve and whose signatures count; with a `keyring` of None nobody's are asked for.

        `sealing` is the ledger's own key, with which what workers propose is sealed; where the keyring trusts one, what is not sealed with
        it does not run. `under` is the digest that the ledger says is in force: once that is another, nothing is sent under `policy` any more.
        """
        self.ledger = ledger
        self.connectors = connectors
        self.workers = workers
        self.policy = policy
        self.brain = brain
        self.recognisers = recognisers
        self.guard = Guard(policy, ledger.clock, keyring=roster.keyring)
        self.at = observer
        self.roster = roster
        self.sealing = sealing
        self.under = under
        self.quorum = Quorum(policy, roster)
        self.champions = Champions(ledger, roster.keyring)
        self.executor = Executor(
            ledger, connectors, self.guard, keyring=roster.keyring, authority=self.quorum, under=under, observer=observer
        )
        self.routes = {kind: name for name, worker in sorted(workers.items()) for kind in sorted(worker.takes)}
        self.intake = Intake(ledger, self.routes, self.due)

    def register_operations(self) -> None:
        """Keep in the ledger what each effect takes, so that people can edit without the connector."""
        with self.ledger.transaction() as tx:
            for connector in self.connectors.values():
                for operation in connector.operations().values():
                    if operation.effect:
                        operations.register(tx, _spec(connector, operation))

    def due(self, worker: str, item: TicketItem) -> datetime | None:
        """When a case should be closed by: its ticket's own time, else its playbook's SLA after it was received."""
        hours = self.workers[worker].playbook.sla_hours.get(item.priority)
        if item.due_at or hours is None:
            return item.due_at
        try:
            return item.received_at + timedelta(hours=hours)
        except OverflowError:
            # Somebody wrote a date at the end of the calendar; the case is worked on without a due time.
            return None

    def cast(self, case: Case) -> Cast:
        """Who works on a case: its worker with the brain that is at work now; raises LedgerError where that cannot be used."""
        return self.champions.cast(self.workers[case.worker])

    def desk(self, held: Claim) -> Desk:
        """The desk for one claimed case, with the connector that its ticket came from first."""
        worker = self.workers[held.case.worker]
        first = self.connectors.get(held.item.source.split(".")[0]) or next(iter(self.connectors.values()))
        others = [one for one in self.connectors.values() if one is not first]
        return Desk(
            held.item,
            first,
            others=others,
            operations=frozenset(worker.playbook.operations),
            clock=self.ledger.clock,
        )

    def context(self, worker: Worker, desk: Desk, proposal: Proposal, *, brain: str, warning: str) -> dict[str, Any]:
        """The runtime's own facts about a proposal: who proposes, where its authority comes from, what the text tries."""
        spec = desk.operation(proposal.action.kind)
        # None where the runtime cannot tell, so that a worker's own word never stands in for it.
        facts: dict[str, Any] = dict.fromkeys(AUTHORITY_FACTS)
        facts |= dict.fromkeys(name for name in GATE_FACTS if name in proposal.facts)
        facts |= provenance(spec.authority, proposal.action.arguments, desk.evidence).every_fact()
        item = desk.item
        facts["worker"], facts[BRAIN] = worker.name, brain
        facts[QUALITY_DRAW] = self.guard.standings.drawn(proposal.action.kind, item.source, item.external_id)
        facts[FACT] = tells_of_others(proposal, spec.authority, desk, worker.playbook.settings, more=self.recognisers).value
        facts["instructions_in_text"] = bool(warning) or bool(proposal.facts.get("instructions_in_text"))
        return facts

    def terms(self, action: SealedAction) -> Ask:
        """Whom to ask about an action, and until when."""
        return self.ask(self.policy.role_for(action.kind, action.envelope.proposal.action.amount))

    def ask(self, role: str = "operator") -> Ask:
        """Whom to ask, and until when."""
        known = self.policy.role(role) is not None
        least = self.policy.roles[0].name if self.policy.roles else role
        expires = self.ledger.clock.now() + timedelta(hours=self.policy.expire_after_hours)
        return Ask(role=role if known else least, expires_at=expires)

    def backoff(self, attempts: int) -> timedelta:
        """How long a case rests after its `attempts`-th failure in a row: doubling, at most a quarter of an hour."""
        doublings: int = 2 ** max(0, attempts - 1)
        return min(FIRST_REST * doublings, LONGEST_REST)

    def open_handoff(self, tx: Transaction, item: TicketItem, *, parent: Case) -> None:
        """Open the case that another worker takes on from this one."""
        worker = self.routes.get(item.kind)
        if worker is None:
            raise SettingsError(
                f"Worker {parent.worker!r} hands on a {item.kind!r}, which no worker takes.",
                hint=f"Known kinds: {', '.join(sorted(self.routes))}.",
            )
        queue.open_case(tx, item, worker=worker, due_at=self.due(worker, item), parent_id=parent.id)

    def close(self) -> None:
        """Give back connections and files."""
        for connector in self.connectors.values():
            connector.close()
        self.ledger.close()


def open_connectors(place: Place, clock: Clock) -> dict[str, Connector]:
    """The connectors of a workspace, by their own names."""
    opened: dict[str, Connector] = {}
    for name, chosen in place.workspace.connectors.items():
        found = load_connector(chosen.plugin or name)
        settings = {**chosen.settings}
        for name_of_path in ("path", "folder"):
            if isinstance(settings.get(name_of_path), str):
                settings[name_of_path] = str(place.path(settings[name_of_path]))
        connector = found.from_settings(settings, clock)
        if connector.name in opened:
            raise SettingsError(f"Two connectors are called {connector.name!r}.", hint="Take one out of shiftlead.yaml.")
        opened[connector.name] = connector
    if not opened:
        raise SettingsError("The workspace names no connector.", hint="Add one under `connectors:` in shiftlead.yaml.")
    return opened


def open_workers(place: Place) -> dict[str, Worker]:
    """The workers of a workspace with the playbooks that it gives them."""
    opened: dict[str, Worker] = {}
    for name in place.workspace.workers:
        kind = load_plugin(name, Worker, WORKERS)
        named = place.workspace.playbooks.get(name)
        playbook = load_playbook(place.path(named)) if named else kind.default_playbook()
        opened[name] = kind(_signed(_located(playbook, place), place, own=bool(named)))
    return opened


def _located(playbook: Playbook, place: Place) -> Playbook:
    """The playbook with its model's file relative to the workspace."""
    model = playbook.settings.get("model")
    if not isinstance(model, str) or not model:
        return playbook
    return playbook.model_copy(update={"settings": {**playbook.settings, "model": str(place.path(model))}})


def _signed(playbook: Playbook, place: Place, *, own: bool) -> Playbook:
    """The playbook with the workspace's house in place of the embedded company's."""
    house = place.workspace.house
    if "house" not in playbook.settings or (own and house is None):
        return playbook
    if house is None:
        if set(place.workspace.connectors) - {EMBEDDED_COMPANY}:
            raise SettingsError(
                f"{place.folder / FILE_NAME}: house: it does not say whose name messages are signed with.",
                hint="Add `house: {name: …, email: …, phone: …}`.",
            )
        return playbook
    return playbook.model_copy(update={"settings": {**playbook.settings, "house": house.model_dump()}})


def open_crew(
    place: Place,
    *,
    clock: Clock | None = None,
    brain: str = "",
    policy: Policy | None = None,
    observer: Callable[[str], None] = lambda _: None,
    cassette: "Cassette | None" = None,
) -> Crew:
    """The crew of a workspace, ready to work under the policy in force; `policy` is that one where the caller has it already.

    `cassette` records the model that the brain asks, or answers in its place.

    Raises SettingsError, PolicyError, PluginError or LedgerError before anything starts.
    """
    clock = clock or SystemClock()
    workers, roster = open_workers(place), place.roster()
    recognisers = open_recognisers(place.workspace.recognisers)
    with ExitStack() as opened:
        ledger = opened.enter_context(closing(place.open_ledger(clock)))
        under = policies.held_in(ledger)
        if policy is None or policy.digest() != under:
            found = in_force(ledger, place, roster.keyring)
            policy, under = found.policy, found.version.digest
        connectors = open_connectors(place, clock)
        for connector in connectors.values():
            opened.enter_context(closing(connector))
        crew = Crew(
            ledger,
            connectors=connectors,
            workers=workers,
            policy=policy,
            brain=workspace_brain(place, ledger, brain, recognisers=recognisers, cassette=cassette),
            roster=roster,
            sealing=place.keys.own(),
            recognisers=recognisers,
            under=under,
            observer=observer,
        )
        crew.register_operations()
        opened.pop_all()
        return crew


def _spec(connector: Connector, operation: Operation) -> OperationSpec:
    return OperationSpec(
        connector=connector.name,
        name=operation.name,
        summary=operation.summary,
        parameters=operation.arguments.model_json_schema(),
        authority=operation.authority,
        editable=operation.editable,
        money=operation.money,
        reversibility=operation.reversibility,
    )
