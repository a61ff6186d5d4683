"""The database connection breaks before any statement: the case ends the same, and nothing happens twice."""

from itertools import count

import pytest
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError
from stage import Stage

from shiftlead.core.approval import RequestState
from shiftlead.core.case import CaseState


@pytest.fixture
def served(tmp_path, postgres_server, clock):
    """A stage on PostgreSQL, and a function that ends every connection to its database but the one it uses itself."""
    import psycopg

    name = f"dropped_{tmp_path.name}".lower()
    with psycopg.connect(f"{postgres_server}/postgres", autocommit=True) as connection:
        connection.execute(f'create database "{name}" template template0')
        stage = Stage.create(tmp_path, url=f"{postgres_server}/{name}", clock=clock)
        yield (
            stage,
            lambda: connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", [name]),
        )
        stage.close()


def drive(stage, ref):
    """Work and approve until the case is closed; an error of the database is a process that died and was started again."""
    for _ in range(12):
        try:
            stage.work()
            if stage.case(ref).state is CaseState.CLOSED:
                return
            for request in stage.requests(stage.case(ref).id, RequestState.PENDING):
                stage.approve(request=request)
        except DBAPIError:
            pass
        stage.clock.advance(stage.lease * 20)


@pytest.mark.slow
@pytest.mark.parametrize("amount", ["120.00", "9000.00"])
def test_a_connection_that_breaks_before_any_statement_loses_nothing(served, amount):
    stage, drop = served
    passed, dropped, breaks_at = [], [], 0

    def before(*given):
        passed.append(given[2])
        if len(passed) == breaks_at:
            dropped.append(given[2])
            drop()

    event.listen(stage.ledger.engine, "before_cursor_execute", before)
    for number in count(1):
        breaks_at = 0
        case_id = stage.open(f"I-{number}", amount, plan="invoice.hold invoice.post")
        passed.clear()
        breaks_at, known = number, len(dropped)
        drive(stage, f"I-{number}")
        breaks_at = 0
        case = stage.case(f"I-{number}")
        where = dropped[-1] if dropped else ""
        assert (case.state, case.outcome) == (CaseState.CLOSED, "done"), where
        assert [one.state.value for one in stage.effects(case_id)] == ["done", "done"], where
        if len(dropped) == known:
            break
    assert number > 20, "too few statements to mean anything"
    assert len(stage.journal()) == 2 * number
    assert stage.connector.duplicates() == {}
    assert stage.ledger.verify() == []
