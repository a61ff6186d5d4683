"""`shiftlead policy packs`: which contact rules there are, for which jurisdiction, and where they are in force."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..core.errors import LedgerError, NotFound
from .cli_output import pairs
from .cli_session import Session, command

if TYPE_CHECKING:
    from ..guardrails.packs import Pack
    from ..guardrails.policy import Policy
    from ..guardrails.rules import Rule


def register(app: typer.Typer) -> None:
    """Add the command."""

    @command(app, "packs")
    def packs(
        session: Session,
        name: Annotated[str, typer.Argument(metavar="[NAME]", help="A pack or its file; every pack if not given.")] = "",
    ) -> None:
        """List the packs of contact rules, or one with every rule, its reason and its source."""
        policy = _policy(session)
        if name:
            _one(session, _pack(name), policy)
            return
        columns = ("pack", "jurisdiction", ">version", "checked on", ">rules", "title", "in force")
        session.out.listed(columns, listed(policy), lambda one: [one[key.strip(">").replace(" ", "_")] for key in columns])


def _policy(session: Session) -> "Policy | None":
    try:
        return session.policy
    except (NotFound, LedgerError):
        # Packs can be read before there is a workspace or a ledger.
        return None


def _pack(name: str) -> "Pack":
    from ..guardrails.document import nearest
    from ..guardrails.packs import load_pack, shipped_packs

    if name.endswith(".yaml"):
        return load_pack(Path(name))
    found = shipped_packs().get(name.partition("@")[0])
    if found is None:
        raise NotFound(f"There is no pack {name!r}.", hint=nearest(name, tuple(shipped_packs())))
    return found


def listed(policy: "Policy | None") -> list[dict[str, Any]]:
    """Every pack that ships, and those of its own that `policy` has adopted."""
    from ..guardrails.packs import shipped_packs

    rows = [_row(pack, policy) for pack in shipped_packs().values()]
    own = [one for one in policy.packs if one.name not in shipped_packs()] if policy else []
    return rows + [
        {
            "pack": one.name, "title": one.title, "jurisdiction": one.jurisdiction, "version": one.version,
            "checked_on": one.checked_on, "rules": len(one.rules), "in_force": _in_force(one.name, policy),
        }
        for one in own
    ]  # fmt: skip


def _row(pack: "Pack", policy: "Policy | None") -> dict[str, Any]:
    return {
        "pack": pack.name, "title": pack.title, "jurisdiction": pack.jurisdiction, "version": pack.version,
        "checked_on": pack.checked_on, "rules": len(pack.rules), "in_force": _in_force(pack.name, policy),
    }  # fmt: skip


def _in_force(name: str, policy: "Policy | None") -> str:
    adopted = next((one for one in policy.packs if one.name == name), None) if policy else None
    if adopted is None or policy is None:
        return ""
    wide = len(adopted.everyone)
    told = f"; {'all' if wide >= len(adopted.rules) else wide} for everyone" if wide else ""
    return f"{policy.ref}{told}"


def _one(session: Session, pack: "Pack", policy: "Policy | None") -> None:
    rules = [_rule(rule, pack, policy) for rule in pack.rules]
    head = _row(pack, policy) | {
        "owner": pack.owner, "note": pack.note, "retention_years": pack.retention_years, "sources": list(pack.sources),
        "facts": list(pack.needs), "applies": _applies(pack),
        "parameters": {one.name: one.value for one in pack.parameters},
        "switches": [one.fact for one in pack.switches],
    }  # fmt: skip
    if session.out.as_json:
        session.out.data(head | {"rules": rules})
        return
    session.out.text(*pairs({key.replace("_", " "): _shown(value) for key, value in head.items()}), "")
    for one in rules:
        session.out.text(
            one["text"], f"    {one['reason']}", f"    {one['source']}{'; for everyone' if one['everyone'] else ''}"
        )


def _rule(rule: "Rule", pack: "Pack", policy: "Policy | None") -> dict[str, Any]:
    from ..guardrails.review import explain_rule

    adopted = next((one for one in policy.packs if one.name == pack.name), None) if policy else None
    everyone = adopted is not None and rule.id in adopted.everyone
    told = {"rule": rule.id, "lane": rule.lane, "text": explain_rule(rule), "reason": rule.reason, "source": rule.source}
    return told | {"owner": rule.owner, "everyone": everyone}


def _applies(pack: "Pack") -> str:
    from ..guardrails.wording import described

    return "everyone" if pack.applies is None else f"{described(pack.applies)}, or where that is not known"


def _shown(value: Any) -> Any:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {one}" for name, one in value.items())
    return "; ".join(map(str, value)) if isinstance(value, list) else value
