"""Do the workers do right: datasets with their truth, scores with their uncertainty."""

from typing import TYPE_CHECKING

from ..core.doors import door

if TYPE_CHECKING:
    from .dataset import load_invoices
    from .invoices import score_invoices
    from .report import Report
    from .statistics import Share, wilson

__all__ = [
    "Report",
    "Share",
    "load_invoices",
    "score_invoices",
    "wilson",
]

__getattr__ = door(
    __name__,
    {
        "Report": "report",
        "Share": "statistics",
        "load_invoices": "dataset",
        "score_invoices": "invoices",
        "wilson": "statistics",
    },
)
