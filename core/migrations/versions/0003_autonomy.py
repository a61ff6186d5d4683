"""Outcomes, certificates and the tests they come from, versions of brains, what challengers say, what an exchange has cost."""

import sqlalchemy as sa
from alembic import op

from shiftlead.core.columns import UtcDateTime, Word

revision = "0003"
down_revision = "0002"

_STAND = ("worker", "kind", "brain", "slice")


def upgrade() -> None:
    """Add what is new."""
    _outcomes()
    _certificates()
    _brains()
    _exchanges()


def _word(name: str) -> "sa.Column[str]":
    return sa.Column(name, sa.String(), nullable=False)


def _at(name: str, *, open_end: bool = False) -> "sa.Column[object]":
    return sa.Column(name, UtcDateTime(), nullable=open_end)


def _outcomes() -> None:
    op.create_table(
        "outcome",
        *(_word(name) for name in ("digest", "case_id", "action_id", "worker", "kind", "slice", "brain")),
        sa.Column("confidence", sa.Float(), nullable=True),
        sa.Column("said", sa.Float(), nullable=True),
        sa.Column("right", sa.Boolean(), nullable=False),
        sa.Column("counts", sa.Boolean(), nullable=False),
        sa.Column("probability", sa.Float(), nullable=False),
        sa.Column("decision", Word(), nullable=False),
        *(_word(name) for name in ("decided_by", "label", "truth")),
        _at("at"),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_index(op.f("ix_outcome_case_id"), "outcome", ["case_id"], unique=False)
    op.create_index("ix_outcome_stand", "outcome", list(_STAND), unique=False)


def _certificates() -> None:
    op.create_table(
        "certificate",
        *(_word(name) for name in ("id", "worker", "kind", "slice", "brain")),
        sa.Column("terms", sa.Text(), nullable=False),
        _at("issued_at"),
        _at("expires_at"),
        _word("issued_by"),
        _word("signature"),
        _at("revoked_at", open_end=True),
        _word("revoked_by"),
        _word("why"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_certificate_stand", "certificate", list(_STAND), unique=False)
    op.create_table(
        "trial",
        *(_word(name) for name in ("worker", "kind", "slice", "brain")),
        sa.Column("state", sa.Text(), nullable=False),
        _at("at"),
        sa.PrimaryKeyConstraint("worker", "kind", "slice", "brain"),
    )


def _brains() -> None:
    op.create_table(
        "brain",
        *(_word(name) for name in ("digest", "worker", "task", "name")),
        sa.Column("role", Word(), nullable=False),
        sa.Column("card", sa.Text(), nullable=False),
        _word("content"),
        sa.Column("packed", sa.LargeBinary(), nullable=False),
        _at("made_at"),
        _word("made_by"),
        sa.Column("signed", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_index(op.f("ix_brain_worker"), "brain", ["worker"], unique=False)
    op.create_table(
        "shadow",
        *(_word(name) for name in ("case_id", "brain", "label")),
        sa.Column("confidence", sa.Float(), nullable=False),
        _at("at"),
        sa.PrimaryKeyConstraint("case_id", "brain"),
    )
    op.create_index(op.f("ix_shadow_brain"), "shadow", ["brain"], unique=False)


def _exchanges() -> None:
    for name in ("prompt_ref", "prompt_digest"):
        op.add_column("exchange", sa.Column(name, sa.String(), nullable=False, server_default=""))
    for name in ("calls", "tokens_in", "tokens_out"):
        op.add_column("exchange", sa.Column(name, sa.Integer(), nullable=False, server_default="0"))
    op.add_column("exchange", sa.Column("estimated", sa.Boolean(), nullable=False, server_default=sa.false()))
