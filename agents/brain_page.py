"""The card of a brain as one page of HTML that needs nothing else: no script, no font, no address is asked."""

from collections.abc import Iterable, Sequence
from html import escape

from .brain_card import BrainCard
from .brain_charts import reliability_chart, risk_coverage_chart
from .brain_record import Bin, Record

_MOST_LABELS = 200
_NAMES = {
    "accuracy": "right", "macro_f1": "macro F1", "ece": "calibration error (ECE)", "ece_floor": "ECE that chance alone explains",
    "aurc": "area under risk and coverage", "oos_auroc": "out-of-scope AUROC", "auc": "AUC", "brier": "Brier score",
    "top_fifth_share": "of late money-days in the top fifth", "days_late_mae": "days of mean error",
}  # fmt: skip
"""What the scores are called for people."""
_STYLE = """
:root { color-scheme: light dark; --ink: #1c2430; --soft: #5a6675; --paper: #fbfbf9; --card: #ffffff; --edge: #dfe3e8;
  --blue: #2563a8; --amber: #8a5a00; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8ebef; --soft: #9ba7b5; --paper: #14181d; --card: #1b2027; --edge: #313945;
  --blue: #6ea8e8; --amber: #e0b25a; } }
* { box-sizing: border-box; }
body { margin: 0; padding: 2.5rem 1.25rem 4rem; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 64rem; margin: 0 auto; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 .25rem; text-wrap: balance; }
h2 { font-size: 1.05rem; margin: 2.5rem 0 .75rem; }
p { max-width: 46rem; }
.name, code { font-family: ui-monospace, "SF Mono", Menlo, Consolas, monospace; font-size: .9em; overflow-wrap: anywhere; }
.soft { color: var(--soft); }
.notice { border-left: 3px solid var(--amber); padding: .4rem .9rem; margin: 1.25rem 0; }
.figures { display: flex; flex-wrap: wrap; gap: 1.5rem 2.5rem; margin: 1.5rem 0 0; padding: 0; list-style: none; }
.figures b { display: block; font-size: 1.65rem; line-height: 1.2; font-weight: 600; font-variant-numeric: tabular-nums; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(19rem, 1fr)); gap: 1.25rem; }
figure { margin: 0; padding: 1rem; background: var(--card); border: 1px solid var(--edge); border-radius: 8px; }
figcaption { font-size: .9rem; color: var(--soft); margin-top: .5rem; }
figure h3 { margin: 0 0 .5rem; font-size: .95rem; }
svg { display: block; width: 100%; height: auto; }
.grid { stroke: var(--edge); } .tick, .axis { fill: var(--soft); } .ideal { stroke: var(--soft); } .curve { stroke: var(--blue); }
.area, .bar, .dot { fill: var(--blue); } .dot { stroke: var(--card); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .95rem; }
th, td { text-align: left; padding: .3rem 1.4rem .3rem 0; border-bottom: 1px solid var(--edge); vertical-align: top; }
th { font-weight: 600; color: var(--soft); } td.n, th.n { text-align: right; }
ul { padding-left: 1.2rem; max-width: 46rem; } li { margin: .3rem 0; }
@media print { body { background: #fff; } figure { break-inside: avoid; } }
""".strip()


def page(card: BrainCard) -> str:
    """The whole page."""
    title = f"{card.purpose.title}: {card.name}"
    body = "\n".join(
        (
            _head(card), _figures(card), _charts(card), _calibration(card), _purpose(card), _facts(card), _labels(card),
        )
    )  # fmt: skip
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{escape(title)}</title>\n'
        f"<style>\n{_STYLE}\n</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def _head(card: BrainCard) -> str:
    notice = f'<p class="notice">{escape(card.announcement)}</p>' if card.announcement else ""
    return f'<h1>{escape(card.purpose.title)}</h1>\n<p class="name soft">{escape(card.name)}</p>\n{notice}'


def _figures(card: BrainCard) -> str:
    told = [
        (_NAMES.get(name, name.replace("_", " ")), _score(name, value))
        for name, value in card.scores.items()
        if name not in {"texts", "invoices"}
    ]
    items = "".join(f"<li><b>{escape(value)}</b>{escape(name)}</li>" for name, value in told)
    of = card.record.about if card.record else "cases that the fit had not seen"
    return f'<ul class="figures">{items}</ul>\n<p class="soft">Measured on {escape(of)}.</p>' if told else ""


def _charts(card: BrainCard) -> str:
    if card.record is None or not card.record.cases:
        return ""
    sure = surety(card)
    return (
        f'<div class="charts">\n<figure><h3>When it says so, is it so?</h3>{reliability_chart(card.calibration, says=card.says, right_means=card.right_means)}'
        f"<figcaption>Points on the dashed line are honest; below it the brain says more than came true. The bars show where the "
        f"cases are.</figcaption></figure>\n"
        f"<figure><h3>How many could run alone, and how many of those were wrong?</h3>{risk_coverage_chart(sure)}"
        f"<figcaption>{_reached(sure)} A curve is a record of these cases and no promise for others: a lane opens only under a "
        f"certificate.</figcaption></figure>\n</div>"
    )


def surety(card: BrainCard) -> Record:
    """The record by how sure the brain was; a forecast of 10 % is as sure of "in time" as one of 90 % is of "late"."""
    assert card.record is not None
    if card.task != "lateness":
        return card.record
    pairs: list[tuple[float, bool]] = []
    for group in card.record.groups:
        late = group.confidence >= 0.5
        sure = max(group.confidence, 1 - group.confidence)
        pairs += [(sure, late)] * group.right + [(sure, not late)] * (group.cases - group.right)
    return Record.of(card.record.about, pairs)


def _reached(record: Record) -> str:
    told = [
        f"{step.coverage:.0%} of the cases with at most {target:.0%} wrong (confidence {step.floor:.2f} and above)"
        for target in (0.01, 0.02, 0.05)
        if (step := record.coverage_at(target)) is not None
    ]
    return f"{'; '.join(told)}." if told else "No share of the cases had at most 5 % wrong."


def _calibration(card: BrainCard) -> str:
    if not card.calibration:
        return ""
    rows = [(f"{one.low:.2f}–{one.high:.2f}", _percent(one), f"{one.cases:,}") for one in card.calibration]
    return _section("Calibration", _table(("it says", f">{card.right_means}", ">cases"), rows))


def _percent(one: Bin) -> str:
    return f"{one.right:.1%}"


def _purpose(card: BrainCard) -> str:
    limits = "".join(f"<li>{escape(one)}</li>" for one in card.limits)
    reads = f"<p><b>Languages.</b> {escape(card.purpose.reads)}</p>" if card.purpose.reads else ""
    return _section("Intended use", f"<p>{escape(card.purpose.use)}</p>\n{reads}") + _section("Limits", f"<ul>{limits}</ul>")


def _facts(card: BrainCard) -> str:
    rows = [
        ("task", card.task), ("tier", card.tier), ("digest", card.digest), ("trained on", card.data), ("data digest", card.data_digest),
        ("examples", f"{card.examples:,}"), ("seed", str(card.seed)), ("languages of the texts", card.spoken),
        ("size on disk", size_text(card.size_bytes)), ("made with", ", ".join(f"{name} {one}" for name, one in card.made_with.items())),
        ("licences", "; ".join(card.licences)),
    ]  # fmt: skip
    cells = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td class="name">{escape(value)}</td></tr>' for name, value in rows if value
    )
    return _section("What it is made of", f'<div class="scroll"><table>{cells}</table></div>')


def _labels(card: BrainCard) -> str:
    if not card.labels:
        return ""
    more = f" and {len(card.labels) - _MOST_LABELS} more" if len(card.labels) > _MOST_LABELS else ""
    named = ", ".join(escape(one) for one in card.labels[:_MOST_LABELS])
    return _section(f"The {len(card.labels)} labels it tells apart", f'<p class="name">{named}{more}</p>')


def _section(title: str, inside: str) -> str:
    return f"<section>\n<h2>{escape(title)}</h2>\n{inside}\n</section>\n"


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    kinds = ['class="n"' if name.startswith(">") else "" for name in columns]
    heads = "".join(
        f'<th scope="col" {kind}>{escape(name.removeprefix(">"))}</th>' for name, kind in zip(columns, kinds, strict=True)
    )
    lines = ("".join(f"<td {kind}>{escape(cell)}</td>" for cell, kind in zip(row, kinds, strict=True)) for row in rows)
    return f'<div class="scroll"><table><tr>{heads}</tr>{"".join(f"<tr>{line}</tr>" for line in lines)}</table></div>'


def size_text(size: int) -> str:
    """Bytes as people read them."""
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.1f} kB"


def _score(name: str, value: float) -> str:
    if name in {"accuracy", "macro_f1", "top_fifth_share"}:
        return f"{value:.1%}"
    return f"{value:.1f}" if name == "days_late_mae" else f"{value:.3f}"
