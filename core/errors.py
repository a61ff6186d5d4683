"""Every error that leaves a room, in one tree.

ShiftleadError
├── BadInput            a file, row, field or option the person can mend
│   ├── PolicyError     a policy file that must not be used
│   ├── ContractBreach  a record that breaks a connector's data contract
│   └── SettingsError   a workspace or setting that does not hold together
├── NotFound            an id nobody knows
├── Conflict            somebody or something was first
│   ├── AlreadyDecided  the approval request has its decision
│   ├── StaleRecord     the record moved since it was read
│   ├── StaleEnvelope   what was approved is not what would run
│   └── LeaseLost       another worker holds the case now
├── Forbidden           a rule of who-may-do-what says no
│   └── Stopped         the kill switch is on
├── ConnectorError      the outside world did not do what was asked
│   ├── Refused         it answered no; nothing happened
│   ├── Unreachable     it was not reached; nothing happened
│   └── OutcomeUnknown  it may have happened; reconcile, never retry blindly
├── PluginError         an installed plugin that cannot be loaded
├── LedgerError         the ledger is missing, too old, too new or broken
└── CassetteError       recorded answers that are not there, or must not be used
"""

from typing import ClassVar


class ShiftleadError(Exception):
    """What happened, to which id, and what to do about it.

    `code` is stable and documented; `hint` is the mend, in one sentence.
    """

    code: ClassVar[str] = "SL000"

    def __init__(self, message: str, *, hint: str = "") -> None:
        self.message = message
        self.hint = hint
        super().__init__(f"{message} {hint}".strip())


class BadInput(ShiftleadError):
    """A file, row, field or option that the person can mend."""

    code = "SL100"


class PolicyError(BadInput):
    """A policy file that must not be used: it says so at load, never at judgement."""

    code = "SL110"


class ContractBreach(BadInput):
    """A record that breaks a connector's data contract."""

    code = "SL120"


class SettingsError(BadInput):
    """A workspace or a setting that does not hold together."""

    code = "SL130"


class NotFound(ShiftleadError):
    """An id that nobody knows."""

    code = "SL200"


class Conflict(ShiftleadError):
    """Somebody or something else was first."""

    code = "SL300"


class AlreadyDecided(Conflict):
    """The approval request already has its decision; the message says whose."""

    code = "SL310"


class StaleRecord(Conflict):
    """The record in the outside system moved since it was read."""

    code = "SL320"


class StaleEnvelope(Conflict):
    """What was approved is not what would run."""

    code = "SL330"


class LeaseLost(Conflict):
    """Another worker holds the case now; nothing of ours may be written."""

    code = "SL340"


class Forbidden(ShiftleadError):
    """A rule of who may do what says no."""

    code = "SL400"


class Stopped(Forbidden):
    """The kill switch is on for this scope."""

    code = "SL410"


class ConnectorError(ShiftleadError):
    """The outside world did not do what was asked."""

    code = "SL500"


class Refused(ConnectorError):
    """The outside system answered no; nothing happened there."""

    code = "SL510"


class Unreachable(ConnectorError):
    """The outside system was not reached; nothing happened there."""

    code = "SL520"


class OutcomeUnknown(ConnectorError):
    """The request was sent and the answer lost: it may have happened."""

    code = "SL530"


class PluginError(ShiftleadError):
    """An installed plugin that cannot be loaded."""

    code = "SL600"


class LedgerError(ShiftleadError):
    """The ledger is missing, too old, too new or broken."""

    code = "SL700"


class CassetteError(ShiftleadError):
    """Recorded answers of a model that are not there, must not be used, or must not be written."""

    code = "SL800"
