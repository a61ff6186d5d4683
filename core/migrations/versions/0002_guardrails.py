"""Signed decisions, policies in force, delegations, grants, incidents, checkpoints and erasable bodies."""

import json
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from alembic import op

from shiftlead.core.clock import SystemClock
from shiftlead.core.columns import DecimalText, UtcDateTime, Word
from shiftlead.core.merkle import Frontier

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add what is new."""
    _columns()
    _tables()
    _frontiers()
    _exposure()


def _columns() -> None:
    for table, columns in {
        "request": (
            sa.Column("assigned_to", sa.String(), nullable=False, server_default=""),
            sa.Column("ladder", sa.Integer(), nullable=False, server_default="0"),
        ),
        "decision": tuple(
            sa.Column(name, sa.String(), nullable=False, server_default="")
            for name in ("policy_digest", "shown", "acting_for", "signature")
        ),
        "action": tuple(sa.Column(name, sa.String(), nullable=False, server_default="") for name in ("sealed_by", "seal")),
        "chain": (sa.Column("frontier", sa.Text(), nullable=False, server_default="[]"),),
        "switch": tuple(
            sa.Column(name, sa.String(), nullable=False, server_default="") for name in ("resume_by", "resume_reason")
        ),
    }.items():
        for column in columns:
            op.add_column(table, column)


def _tables() -> None:
    op.create_table(
        "body",
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("kind", Word(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("digest", "case_id"),
    )
    op.create_index(op.f("ix_body_case_id"), "body", ["case_id"], unique=False)
    op.create_table(
        "checkpoint",
        sa.Column("size", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("root", sa.String(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("signature", sa.String(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("size"),
    )
    op.create_table(
        "delegation",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("giver", sa.String(), nullable=False),
        sa.Column("receiver", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("starts_at", UtcDateTime(), nullable=False),
        sa.Column("ends_at", UtcDateTime(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.Column("signature", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_delegation_receiver"), "delegation", ["receiver"], unique=False)
    op.create_table(
        "grant_",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("party", sa.String(), nullable=False),
        sa.Column("terms", sa.Text(), nullable=False),
        sa.Column("given_by", sa.String(), nullable=False),
        sa.Column("state", Word(), nullable=False),
        sa.Column("spent", DecimalText(), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("signatures", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_grant__kind"), "grant_", ["kind"], unique=False)
    op.create_index(op.f("ix_grant__state"), "grant_", ["state"], unique=False)
    op.create_table(
        "incident",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("state", Word(), nullable=False),
        sa.Column("opened_by", sa.String(), nullable=False),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.Column("terms", sa.Text(), nullable=False),
        sa.Column("findings", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_incident_state"), "incident", ["state"], unique=False)
    op.create_table(
        "incident_item",
        sa.Column("incident_id", sa.String(), nullable=False),
        sa.Column("action_id", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("follow_up", sa.String(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("incident_id", "action_id"),
    )
    op.create_index(op.f("ix_incident_item_case_id"), "incident_item", ["case_id"], unique=False)
    op.create_table(
        "policy_version",
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("state", Word(), nullable=False),
        sa.Column("loosenings", sa.Text(), nullable=False),
        sa.Column("signatures", sa.Text(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("replaces", sa.String(), nullable=False),
        sa.Column("proposed_at", UtcDateTime(), nullable=False),
        sa.Column("in_force_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_index(op.f("ix_policy_version_state"), "policy_version", ["state"], unique=False)


def _frontiers() -> None:
    """The Merkle frontier over the events that are there already."""
    connection, frontier = op.get_bind(), Frontier()
    for stored in connection.execute(sa.text("select hash from audit order by seq")).scalars():
        frontier.add(stored)
    connection.execute(sa.text("update chain set frontier = :roots"), {"roots": json.dumps(frontier.roots)})


def _exposure() -> None:
    """One row per scope; what the days held counts at their ends, and that of today now, so that it never counts too short."""
    connection = op.get_bind()
    read = sa.text("select scope, day, currency, amount, count from exposure")
    spent = _spent(list(connection.execute(read)), SystemClock().now())
    op.drop_table("exposure")
    table = op.create_table(
        "exposure",
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("spent", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("scope"),
    )
    if spent:
        rows = [{"scope": scope, "spent": json.dumps({"m": {}, "h": hours})} for scope, hours in spent.items()]
        connection.execute(sa.insert(table), rows)


def _spent(rows: list[Any], now: datetime) -> dict[str, dict[str, Any]]:
    """Buckets by scope and hour; money lay under `party:S-1`, the number of actions of a kind under `party:S-1|invoice.post`."""
    spent: dict[str, dict[str, Any]] = {}
    for row in rows:
        scope, _, kind = row.scope.partition("|")
        day = date.fromisoformat(row.day)
        moment = now if day == now.date() else datetime.combine(day, time(23), UTC)
        money, count = spent.setdefault(scope, {}).setdefault(str(int(moment.timestamp()) // 3600), ({}, {}))
        if kind:
            count[kind] = count.get(kind, 0) + row.count
        elif Decimal(row.amount):
            money[row.currency] = row.amount
    return spent
