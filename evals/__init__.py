"""Do the workers do right: datasets with their truth, scores with their uncertainty."""

from typing import TYPE_CHECKING

from ..core.doors import door

if TYPE_CHECKING:
    from .dataset import load_invoices
    from .invoices import score_invoices
    from .report import Report
    from .statistics import Share, clopper_pearson_upper, mcnemar, wilson

__all__ = [
    "Report",
    "Share",
    "clopper_pearson_upper",
    "load_invoices",
    "mcnemar",
    "score_invoices",
    "wilson",
]

__getattr__ = door(
    __name__,
    {
        "Report": "report",
        "Share": "statistics",
        "clopper_pearson_upper": "statistics",
        "load_invoices": "dataset",
        "mcnemar": "statistics",
        "score_invoices": "invoices",
        "wilson": "statistics",
    },
)
