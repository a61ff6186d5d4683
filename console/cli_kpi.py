"""`shiftlead kpi`: the numbers of the work, with the targets of the playbooks."""

from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

import typer

from ..core.errors import ShiftleadError
from .cli_moments import back
from .cli_output import money
from .cli_session import Session, command

if TYPE_CHECKING:
    from ..core.kpis import Kpi


def register(app: typer.Typer) -> None:
    """Add the command."""

    @command(app, "kpi")
    def kpi(
        session: Session,
        worker: Annotated[str, typer.Option(help="Only this worker's.", show_default=False)] = "",
        since: Annotated[str, typer.Option(metavar="SPAN|DAY", help="7d, or 2026-01-31.", show_default=False)] = "",
    ) -> None:
        """Show the KPIs: business, operations, leading, model."""
        from ..core.kpis import board

        with session.ledger() as ledger:
            now = ledger.clock.now()
            found = board(ledger, now=now, since=back(now, since) if since else None, worker=worker)
        targets = _targets(session, worker) if worker else {}
        if session.out.as_json:
            session.out.data([{**dict(one), "target": targets.get(one.name)} for one in found])
            return
        session.out.table(
            ("layer", "kpi", ">value", ">target", ">n", "meaning"),
            [(one.layer, one.name, _value(one), _target(one, targets), one.n, one.meaning) for one in found],
        )


def _targets(session: Session, worker: str) -> dict[str, float]:
    try:
        return {one.name: one.target for one in session.playbook(worker).kpis}
    except ShiftleadError:
        return {}


def _value(kpi: "Kpi") -> str:
    return _shown(kpi.value, kpi.unit)


def _target(kpi: "Kpi", targets: dict[str, float]) -> str:
    return _shown(targets[kpi.name], kpi.unit) if kpi.name in targets else ""


def _shown(value: float | Decimal | None, unit: str) -> str:
    if value is None:
        return "-"
    if unit == "ratio":
        return f"{100 * value:.1f} %"
    if isinstance(value, Decimal):
        return money(value, unit)
    return f"{value:,.0f} {unit}" if float(value).is_integer() else f"{value:,.1f} {unit}"
