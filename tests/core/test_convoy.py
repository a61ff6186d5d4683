"""The convoy: many threads, few commits, and nobody's work is lost or mixed with another's."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import event

from shiftlead.core.store import Ledger


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    opened = Ledger.create(f"sqlite:///{tmp_path / 'ledger.db'}")
    yield opened
    opened.close()


@pytest.fixture
def commits(ledger: Ledger) -> list[int]:
    """One entry per commit that reached the database."""
    seen: list[int] = []
    event.listen(ledger.engine, "commit", lambda _: seen.append(1))
    return seen


def together(count: int, work: Callable[[int], None]) -> list[BaseException]:
    """Run `work` in `count` threads that start at once; what they raised."""
    start, errors = threading.Barrier(count), []

    def run(number: int) -> None:
        start.wait()
        try:
            work(number)
        except (RuntimeError, OSError) as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


class Turn:
    """The lock that threads take turns by, which tells whenever one asks for its turn."""

    def __init__(self, ledger: Ledger) -> None:
        self.lock, self.asked = threading.Lock(), threading.Semaphore(0)
        ledger._convoy._turn = self  # type: ignore[union-attr,assignment]

    def acquire(self) -> None:
        self.asked.release()
        self.lock.acquire()

    def release(self) -> None:
        self.lock.release()

    def wait_for(self, threads: int) -> None:
        for _ in range(threads):
            self.asked.acquire()


def test_one_thread_commits_each_transaction(ledger: Ledger, commits: list[int]) -> None:
    for number in range(5):
        with ledger.transaction() as tx:
            tx.audit(f"step.{number}", actor="ana")
    assert len(commits) == 5
    assert ledger.ticks() == 5


def test_threads_that_wait_for_each_other_share_a_commit(ledger: Ledger, commits: list[int]) -> None:
    first_is_in, turn = threading.Event(), Turn(ledger)

    def work(number: int) -> None:
        if number:
            first_is_in.wait()
        with ledger.transaction() as tx:
            if not number:
                first_is_in.set()
                turn.wait_for(4)
            tx.audit(f"thread.{number}", actor="ana")

    assert together(4, work) == []
    assert ledger.ticks() == 4
    assert len(commits) == 1
    assert ledger.verify() == []


def test_a_transaction_that_fails_takes_nobody_with_it(ledger: Ledger) -> None:
    def work(number: int) -> None:
        for turn in range(10):
            with ledger.transaction() as tx:
                tx.audit("step", actor=f"thread-{number}", turn=turn)
                if number % 3 == 0:
                    raise RuntimeError("an accident")

    errors = together(9, work)
    assert len(errors) == 3
    actors = {one.actor for one in ledger.events()}
    assert actors == {f"thread-{number}" for number in range(9) if number % 3}
    assert ledger.ticks() == 60
    assert ledger.verify() == []


def test_a_commit_that_fails_is_told_to_everybody_it_was_for(ledger: Ledger) -> None:
    first_is_in, turn = threading.Event(), Turn(ledger)

    def work(number: int) -> None:
        if number:
            first_is_in.wait()
        with ledger.transaction() as tx:
            if not number:
                first_is_in.set()
                turn.wait_for(3)
            tx.audit("step", actor=f"thread-{number}")

    def full_disk(_: object) -> None:
        raise OSError("no space left on the disk")

    event.listen(ledger.engine, "commit", full_disk)
    errors = together(3, work)
    event.remove(ledger.engine, "commit", full_disk)
    assert [str(error) for error in errors] == ["no space left on the disk"] * 3
    assert ledger.ticks() == 0


def test_a_thread_that_is_interrupted_while_it_waits_leaves_nobody_waiting(ledger: Ledger) -> None:
    class Interrupted(Turn):
        def acquire(self) -> None:
            super().acquire()
            if threading.current_thread().name == "impatient" and not self.told:
                self.told = True
                self.release()
                raise OSError("interrupted")

    first_is_in, turn = threading.Event(), Interrupted(ledger)
    turn.told = False

    def work(number: int) -> None:
        if number:
            threading.current_thread().name = "impatient"
            first_is_in.wait()
        with ledger.transaction() as tx:
            if not number:
                first_is_in.set()
                turn.wait_for(2)
            tx.audit("step", actor=f"thread-{number}")

    assert [str(error) for error in together(2, work)] == ["interrupted"]
    assert [one.actor for one in ledger.events()] == ["thread-0"]


def test_what_a_thread_has_written_is_there_when_it_returns(ledger: Ledger) -> None:
    missing: list[int] = []

    def work(number: int) -> None:
        for turn in range(20):
            with ledger.transaction() as tx:
                tx.audit("step", actor=f"thread-{number}")
            mine = sum(one.actor == f"thread-{number}" for one in ledger.events())
            if mine != turn + 1:
                missing.append(number)

    assert together(4, work) == []
    assert missing == []
