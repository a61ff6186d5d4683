"""Casework: what happens to one claimed case, step by step; the graph calls these in its nodes.

Reads come first and write nothing. One transaction then seals and judges everything the brain proposed. From there on the ledger
knows the way, so that a crash at any line costs a few reads and nothing else.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from ..connectors.execution import End, Execution
from ..core import actions, inbox, queue
from ..core.action import Envelope, Proposal
from ..core.actions import OPEN_STATES, ActionState, SealedAction
from ..core.case import Case, CaseState
from ..core.clock import new_id
from ..core.errors import Stopped
from ..core.holding import STOPPED
from ..core.keys import LEDGER_KEY
from ..core.queue import Claim
from ..core.store import Transaction
from ..core.verdict import Lane
from ..guardrails.screening import instructions_in_text
from ..tools.desk import Desk
from .champions import Cast
from .judgement import deed, looked_at_again, moved, told
from .shadowing import Beside, ask_beside, keep
from .stops import STOPPED_PAUSE, UNJUDGED_PAUSE, check_case, check_sealed
from .turns import Known, Step, Turn, advance, hand_over, outcome
from .worker import Assessment, Worker

if TYPE_CHECKING:
    from .crew import Crew

MAX_DRIFTS = 3
"""How often a case is proposed anew because its record moved, before a person gets it."""


@dataclass
class Casework:
    """One claimed case on its way through the graph."""

    crew: "Crew"
    held: Claim
    worker: Worker
    desk: Desk
    findings: object = None
    assessment: Assessment = field(default_factory=Assessment)
    warning: str = ""
    """What screening found in the untrusted text."""
    drift: bool = False
    """True where the case is proposed anew because its record moved."""
    cast: Cast | None = None
    """Who works on it; None until it is looked at for the first time."""
    beside: Beside = field(default_factory=Beside)
    """What the challenger says."""
    turn: Turn | None = None
    rest: timedelta | None = None
    """How long the case should rest before it is taken up again."""
    rest_reason: str = ""
    retry: bool = False
    """True where the rest is a failed attempt that counts."""
    closed: bool = False

    @property
    def case(self) -> Case:
        """The case as it was claimed."""
        return self.held.case

    def at(self, boundary: str) -> None:
        """Tell the observer which step boundary was reached."""
        self.crew.at(boundary)

    def begin(self) -> Step:
        """Where the case goes on: at the beginning, or where the ledger says."""
        if self.held.fence > 1:
            with self.crew.ledger.transaction() as tx:
                self._look(tx)
        if self.turn and self.turn.step is not Step.SCREEN:
            return self.turn.step
        try:
            check_case(self)
        except Stopped as stopped:
            return self._hold(stopped, STOPPED_PAUSE)
        return Step.SCREEN

    def _hold(self, stopped: Stopped, rest: timedelta) -> Step:
        return self._pause(rest, f"{STOPPED}{stopped}", retry=False)

    def _look(self, tx: Transaction) -> Known:
        """Read the next turn, and whether the case is proposed anew."""
        queue.confirm(tx, self.held)
        known = Known.read(tx, self.case)
        self.turn = advance(tx, self.case, self.crew.terms, known=known)
        self.drift = known.moved
        return known

    def screen(self) -> None:
        """Take the brain that is at work now, and look through the untrusted text for instructions to the worker."""
        self.cast = self.crew.cast(self.case)
        self.worker = self.cast.worker
        texts = [str(value) for value in self.held.item.payload.values() if isinstance(value, str)]
        found = instructions_in_text("\n".join([self.held.item.subject, *texts]))
        self.warning = found.quote if found else ""

    def investigate(self) -> None:
        """Let the worker look things up."""
        self.findings = self.worker.investigate(self.desk)

    def assess(self) -> None:
        """Let the brain conclude."""
        self.assessment = self.crew.brain.assess(self.worker, self.desk, self.findings)
        if self.cast is not None:
            self.beside = ask_beside(self.cast, self.desk, self.assessment, self.case.id)

    def judge(self) -> Step:
        """Seal and judge every proposal, open what is handed on, and ask whom to ask; nothing of it where a kill switch holds one."""
        try:
            step = self._judge()
        except Stopped as stopped:
            return self._hold(stopped, UNJUDGED_PAUSE)
        self.crew.at("judge.committed")
        return step

    def _judge(self) -> Step:
        with self.crew.ledger.transaction() as tx:
            queue.confirm(tx, self.held)
            first = actions.next_seq(tx.session, self.case.id) if self.drift else 1
            note = moved(actions.of_case(tx.session, self.case.id), self.desk.evidence) if self.drift else ""
            sealed = tuple(self._seal(tx, proposal, first + number) for number, proposal in enumerate(self._undone(tx)))
            check_sealed(tx, sealed)
            keep(tx, self.beside, self.case.id)
            for item in self.assessment.handoffs:
                self.crew.open_handoff(tx, item, parent=self.case)
            question = self.assessment.question
            asked = (hand_over(tx, self.case, question, ask=self.crew.ask()),) if question else ()
            if asked and not sealed:
                queue.keep_findings(tx, self.case.id, self.desk.evidence)
            known = Known.read(tx, self.case) if self.drift else Known(sealed=sealed, asked=asked)
            self.turn = advance(tx, self.case, self.crew.terms, note=note, known=known)
            if self.turn.step is Step.SCREEN:
                self.turn = self._nothing_to_do(tx)
            self._close_if_done(tx, known)
            return self.turn.step

    def _nothing_to_do(self, tx: Transaction) -> Turn:
        """Nothing was proposed or asked: rest where it is only too early, else close."""
        again = self.assessment.again_at
        if again is None or self.assessment.handoffs or again <= tx.now:
            return Turn(step=Step.CLOSE)
        self.rest = again - tx.now
        return Turn(step=Step.PAUSE)

    def execute(self) -> Step:
        """Execute the action whose turn it is."""
        assert self.turn is not None
        assert self.turn.action is not None
        action = self.turn.action
        waited = self.held.fence > 1
        fresh = self.worker.recheck(self.desk, action.envelope.proposal) if waited else {}
        execution = self.crew.executor.run(self.held, action, fresh=fresh, then=self._go_on)
        if execution.end is End.SETTLED:
            return self.turn.step
        if execution.end is End.STOPPED:
            return self._pause(STOPPED_PAUSE, f"{STOPPED}{execution.detail}", retry=False)
        if execution.end is End.LATER:
            return self._pause(self.crew.backoff(self.case.attempts), execution.detail, retry=True)
        if execution.end is End.MOVED:
            return self._propose_anew(execution)
        with self.crew.ledger.transaction() as tx:
            self._regate(tx, action, execution)
            self._go_on(tx)
        self.crew.at("execute.gated")
        return self.turn.step

    def _go_on(self, tx: Transaction) -> None:
        """Read the next turn in the transaction that has settled an action, and close the case there where it is done."""
        self._close_if_done(tx, self._look(tx))

    def _close_if_done(self, tx: Transaction, known: Known) -> None:
        if self.turn is None or self.turn.step is not Step.CLOSE or self.closed:
            return
        otherwise = "handed_on" if self.assessment.handoffs else self.assessment.outcome
        word = outcome(known.sealed, known.asked, otherwise=otherwise)
        queue.release(tx, self.held, CaseState.CLOSED, outcome=word, summary=self.assessment.summary or None)
        self.closed = True

    def next_step(self) -> Step:
        """What the ledger says after a person has decided."""
        with self.crew.ledger.transaction() as tx:
            self._look(tx)
        return self.turn.step if self.turn else Step.PAUSE

    def close(self) -> None:
        """Close the case where the transaction that settled its last action has not done so already."""
        if self.closed:
            return
        with self.crew.ledger.transaction() as tx:
            self._close_if_done(tx, Known.read(tx, self.case))
        self.crew.at("close.committed")

    def wait(self, checkpoint: bytes | None, graph_version: str) -> None:
        """Let the case go until a person has decided; at once, where one has decided meanwhile."""
        with self.crew.ledger.transaction() as tx:
            turn = advance(tx, self.case, self.crew.terms)
            state = CaseState.WAITING if turn.step is Step.AWAIT else CaseState.READY
            queue.release(
                tx,
                self.held,
                state,
                checkpoint=checkpoint,
                graph_version=graph_version,
                summary=self.assessment.summary or None,
            )
        self.crew.at("wait.committed")

    def _undone(self, tx: Transaction) -> list[Proposal]:
        """What the brain proposes, without what this case has done already before its record moved."""
        if not self.drift:
            return list(self.assessment.proposals)
        known = actions.of_case(tx.session, self.case.id)
        done = [deed(one.envelope.proposal) for one in known if one.state is ActionState.DONE]
        return [one for one in self.assessment.proposals if deed(one) not in done]

    def _seal(self, tx: Transaction, proposal: Proposal, seq: int) -> SealedAction:
        action_id = new_id("act")
        envelope = Envelope(
            tenant=tx.tenant,
            case_id=self.case.id,
            action_id=action_id,
            worker=self.worker.name,
            playbook=self.worker.playbook.ref,
            brain=self.assessment.brain or self.crew.brain.name,
            proposal=proposal,
            evidence=tuple(self.desk.evidence),
        )
        context = self.crew.context(self.worker, self.desk, proposal, brain=envelope.brain, warning=self.warning)
        proven = self.crew.guard.proven(tx.session, proposal, context)
        context |= proven
        # The switches are read once for all that is sealed here, after judging; where one is thrown nothing of it is written.
        verdict = self.crew.guard.judge(tx.session, proposal, context, heeding_stops=False, proven=proven)
        if self.drift:
            verdict = looked_at_again(verdict)
        sealed = SealedAction(
            id=action_id,
            case_id=self.case.id,
            seq=seq,
            round=2 if self.drift else 1,
            state=_STATES[verdict.lane],
            envelope=envelope,
            digest=envelope.digest(),
            verdict=verdict,
            context=context,
            makers=(f"worker:{self.worker.name}",),
        )
        if self.crew.quorum.grants.covering(tx.session, sealed, verdict, at=tx.now):
            # The executor spends it, or has a person asked after all.
            sealed = sealed.model_copy(update={"state": ActionState.APPROVED})
        sealed = sealed.signed(self.crew.sealing, LEDGER_KEY)
        actions.add(tx, sealed)
        tx.audit("action.judged", actor=f"worker:{self.worker.name}", case_id=self.case.id, **told(sealed))
        return sealed

    def _regate(self, tx: Transaction, action: SealedAction, execution: Execution) -> None:
        """The verdict has tightened since the action was judged: block it, or ask a person about it anew."""
        assert execution.verdict is not None
        state = ActionState.BLOCKED if execution.verdict.lane is Lane.PROHIBITED else ActionState.WAITING
        sealed = action.model_copy(update={"verdict": execution.verdict, "state": state, "round": action.round + 1})
        inbox.supersede(tx, self.case.id, action_id=action.id, actor="system", why="judged anew")
        actions.replace(tx, sealed.signed(self.crew.sealing, LEDGER_KEY))
        tx.audit("action.judged_again", actor="executor", case_id=self.case.id, **told(sealed))

    def _propose_anew(self, execution: Execution) -> Step:
        with self.crew.ledger.transaction() as tx:
            queue.confirm(tx, self.held)
            known = actions.of_case(tx.session, self.case.id)
            for one in known:
                if one.state in OPEN_STATES:
                    actions.move(tx, one.id, ActionState.SUPERSEDED, expect=OPEN_STATES)
            inbox.supersede(tx, self.case.id, actor="executor", why=execution.detail)
            tx.audit("action.record_moved", actor="executor", case_id=self.case.id, detail=execution.detail)
            if sum(one.state is ActionState.SUPERSEDED for one in known) >= MAX_DRIFTS:
                hand_over(tx, self.case, f"Its record keeps changing: {execution.detail}", ask=self.crew.ask())
                self.turn = advance(tx, self.case, self.crew.terms)
                return self.turn.step
        self.drift = True
        self.desk.clear()
        self.turn = Turn(step=Step.SCREEN)
        return self.turn.step

    def _pause(self, rest: timedelta, why: str, *, retry: bool) -> Step:
        self.rest, self.rest_reason, self.retry = rest, why, retry
        return Step.PAUSE


_STATES = {
    Lane.ALLOWED: ActionState.PROPOSED,
    Lane.REVIEWED: ActionState.WAITING,
    Lane.PROHIBITED: ActionState.BLOCKED,
}
