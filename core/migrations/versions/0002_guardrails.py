"""Signed decisions, policies in force, delegations, grants, incidents, checkpoints and erasable bodies."""

import sqlalchemy as sa
from alembic import op

from shiftlead.core.columns import DecimalText, UtcDateTime, Word

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add what is new."""
    _columns()
    _tables()


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
        sa.Column("second", sa.String(), nullable=False),
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
        sa.Column("state", Word(), nullable=False),
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
