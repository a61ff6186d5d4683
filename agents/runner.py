"""The runner: claims cases under a lease and works on them until nothing is left, in one thread or in several."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

from sqlalchemy.exc import DBAPIError

from ..core import actions, inbox, outbox, queue
from ..core.actions import SealedAction
from ..core.case import CaseState
from ..core.errors import BadInput, Conflict, LeaseLost, NotFound, StaleEnvelope
from ..core.noun import Noun
from ..core.queue import Claim
from ..core.receipt import EffectState
from ..core.store import Transaction
from ..guardrails.ladder import Ladder
from .casework import Casework
from .checkpoints import CaseSaver
from .crew import Crew
from .graph import build_graph, run_case
from .turns import hand_over

LEASE = timedelta(seconds=60)
"""How long a claimed case is left to its worker before another may take it over."""

MAX_ATTEMPTS = 5
"""Failures in a row after which a case is parked and a person gets it."""


class Shift(Noun):
    """What one run has done."""

    worked: int = 0
    """Cases that were taken up."""
    waiting: int = 0
    failed: int = 0
    """Attempts that ended in an error; their cases rest and are tried again, or are parked."""

    def __add__(self, other: "Shift") -> "Shift":
        return Shift(worked=self.worked + other.worked, waiting=self.waiting + other.waiting, failed=self.failed + other.failed)


class Runner:
    """Works on the cases of one crew."""

    def __init__(
        self,
        crew: Crew,
        *,
        owner: str = "",
        lease: timedelta = LEASE,
        batch: int = 8,
        progress: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.crew = crew
        self.owner = owner or f"{socket.gethostname()}:{os.getpid()}"
        self.lease = lease
        self.batch = batch
        self.progress = progress
        """Told the id of every case that was worked on."""
        self.ladder = Ladder(crew.ledger, crew.policy)
        self._saver = CaseSaver()
        self._graph = build_graph(self._saver)
        self._halt = threading.Event()

    def halt(self) -> None:
        """Finish the cases in hand and claim no more."""
        self._halt.set()

    def sweep(self) -> int:
        """Remind of requests that nobody answers, and ask after effects whose answer was lost; returns how many changed."""
        return self.ladder.climb() + self._reconcile()

    def until_idle(self, *, concurrency: int = 1) -> Shift:
        """Work until no case is ready, with `concurrency` threads."""
        self.sweep()
        if concurrency == 1:
            return self._drain(self.owner)
        shifts: list[Shift] = []
        errors: list[BaseException] = []

        def drain(number: int) -> None:
            try:
                shifts.append(self._drain(f"{self.owner}/{number}"))
            except BaseException as error:  # noqa: BLE001 - handed to the caller's thread
                errors.append(error)
                self.halt()

        threads = [threading.Thread(target=drain, args=(number,), name=f"worker-{number}") for number in range(concurrency)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if errors:
            raise errors[0]
        return sum(shifts, Shift())

    def once(self, *, limit: int | None = None) -> Shift:
        """Claim one batch and work on it."""
        self.sweep()
        return self._batch(self.owner, limit or self.batch)

    def _drain(self, owner: str) -> Shift:
        total = Shift()
        while not self._halt.is_set():
            shift = self._batch(owner, self.batch)
            if not shift.worked:
                break
            total += shift
        return total

    def _batch(self, owner: str, limit: int) -> Shift:
        claims = queue.claim(self.crew.ledger, owner=owner, workers=sorted(self.crew.workers), limit=limit, lease=self.lease)
        if claims:
            self.crew.at("claim.committed")
        total = Shift()
        with self._heartbeat(claims):
            for held in claims:
                total += self._work(held)
                self.progress(held.case.id)
        return total

    @contextmanager
    def _heartbeat(self, claims: list[Claim]) -> Iterator[None]:
        """Renew the leases of a batch while it is worked on."""
        if not claims:
            yield
            return
        done = threading.Event()

        def beat() -> None:
            while not done.wait(self.lease.total_seconds() / 3):
                # A lease outlasts a ledger that is away for a moment.
                with suppress(DBAPIError):
                    queue.renew(self.crew.ledger, claims, self.lease)

        thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def _work(self, held: Claim) -> Shift:
        work = Casework(crew=self.crew, held=held, worker=self.crew.workers[held.case.worker], desk=self.crew.desk(held))
        try:
            waits = run_case(self._graph, self._saver, work)
            if work.rest is not None:
                self._put_off(work)
        except LeaseLost:
            return Shift(worked=1, failed=1)
        except BadInput as error:
            # What cannot be read today will not read better in a minute: a person gets it at once.
            self._park(held, str(error), why=f"{held.case.worker} cannot read what it needs: {error}")
            return Shift(worked=1, failed=1)
        except StaleEnvelope as error:
            # What was written by somebody else will not become what was sealed by trying again.
            self._park(held, str(error), why=str(error))
            return Shift(worked=1, failed=1)
        except Exception as error:  # noqa: BLE001 - one case that fails must not stop the others
            self._fail(held, f"{type(error).__name__}: {error}")
            return Shift(worked=1, failed=1)
        return Shift(worked=1, waiting=int(waits))

    def _put_off(self, work: Casework) -> None:
        assert work.rest is not None
        if work.retry and work.case.attempts >= MAX_ATTEMPTS:
            self._park(work.held, work.rest_reason)
            return
        ledger = self.crew.ledger
        with ledger.transaction() as tx:
            queue.release(
                tx,
                work.held,
                CaseState.READY,
                error=work.rest_reason,
                summary=work.assessment.summary or None,
                wake_at=tx.now + work.rest,
                settled=not work.retry,
            )

    def _fail(self, held: Claim, error: str) -> None:
        if held.case.attempts >= MAX_ATTEMPTS:
            self._park(held, error)
            return
        try:
            with self.crew.ledger.transaction() as tx:
                rest = tx.now + self.crew.backoff(held.case.attempts)
                queue.release(tx, held, CaseState.READY, error=error, wake_at=rest, settled=False)
                tx.audit("case.failed", actor=self.owner, case_id=held.case.id, error=error.partition(":")[0])
        except LeaseLost:
            return

    def _park(self, held: Claim, error: str, *, why: str = "") -> None:
        try:
            with self.crew.ledger.transaction() as tx:
                queue.release(tx, held, CaseState.PARKED, error=error, settled=False)
                failed = f"{held.case.worker} failed {held.case.attempts} times: {error}"
                hand_over(tx, held.case, why or failed, ask=self.crew.ask())
        except LeaseLost:
            return

    def _reconcile(self) -> int:
        """Ask each system after the effects whose answer was lost; an answer wakes the case."""
        ledger, settled = self.crew.ledger, 0
        with ledger.reading() as session:
            unknown = [
                actions.get(session, effect.action_id) for effect in outbox.in_state(session, (EffectState.UNKNOWN,), limit=100)
            ]
        for action in unknown:
            told: list[str] = []

            def then(tx: Transaction, action: SealedAction = action, told: list[str] = told) -> None:
                inbox.supersede(tx, action.case_id, action_id=action.id, actor=self.owner, why="the system answered")
                queue.wake(tx, action.case_id, human=False)
                told.append(action.id)

            try:
                self.crew.executor.reconcile(action, self.owner, then=then)
            except (Conflict, NotFound):
                # Somebody else was told first, or the system is not in this workspace: the others still want an answer.
                continue
            settled += len(told)
        return settled
