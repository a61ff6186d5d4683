"""The outside world, and the one place that causes effects."""

from typing import TYPE_CHECKING

from ..core.doors import door

if TYPE_CHECKING:
    from .base import Arguments, Connector, Health, Operation, Pulled, TicketSource
    from .company import Company
    from .contracts import DataContract
    from .einvoice import EInvoice, read_einvoice
    from .execution import End, Execution
    from .executor import Executor
    from .faults import Fault, FaultKind
    from .files import Files
    from .intake import Intake
    from .operations import CANONICAL, offered
    from .records import RECORDS, Record
    from .registry import installed, load_connector, load_connectors
    from .testing import MemoryConnector, MemoryQueue

__all__ = [
    "CANONICAL",
    "RECORDS",
    "Arguments",
    "Company",
    "Connector",
    "DataContract",
    "EInvoice",
    "End",
    "Execution",
    "Executor",
    "Fault",
    "FaultKind",
    "Files",
    "Health",
    "Intake",
    "MemoryConnector",
    "MemoryQueue",
    "Operation",
    "Pulled",
    "Record",
    "TicketSource",
    "installed",
    "load_connector",
    "load_connectors",
    "offered",
    "read_einvoice",
]

__getattr__ = door(
    __name__,
    {
        "Arguments": "base",
        "CANONICAL": "operations",
        "Company": "company",
        "Connector": "base",
        "DataContract": "contracts",
        "EInvoice": "einvoice",
        "End": "execution",
        "Execution": "execution",
        "Executor": "executor",
        "Fault": "faults",
        "FaultKind": "faults",
        "Files": "files",
        "Health": "base",
        "Intake": "intake",
        "MemoryConnector": "testing",
        "MemoryQueue": "testing",
        "Operation": "base",
        "Pulled": "base",
        "RECORDS": "records",
        "Record": "records",
        "TicketSource": "base",
        "installed": "registry",
        "load_connector": "registry",
        "load_connectors": "registry",
        "offered": "operations",
        "read_einvoice": "einvoice",
    },
)
