"""The two curves of a brain's card as SVG: reliability, and risk against coverage. No scripts, no fonts, nothing from elsewhere."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import NamedTuple

from .brain_record import Bin, Record, Step

_WIDE, _HIGH = 460, 360
_LEFT, _RIGHT, _TOP, _BOTTOM = 68, 18, 16, 52
_STRIP = 44
"""Height of the strip under the reliability diagram that shows where the cases are."""
_POINTS = 240
"""Steps of a curve that are drawn; more cannot be told apart at this size."""
_LEAST_TOP = 0.05
_TARGETS = (0.01, 0.02, 0.05)
_LOOKS = {
    "grid": 'stroke="#dfe3e8"',
    "tick": 'fill="#5a6675" font-size="12"',
    "axis": 'fill="#5a6675" font-size="12"',
    "ideal": 'fill="none" stroke="#5a6675" stroke-width="1.25" stroke-dasharray="4 4"',
    "curve": 'fill="none" stroke="#2563a8" stroke-width="2" stroke-linejoin="round"',
    "area": 'fill="#2563a8" fill-opacity="0.13"',
    "bar": 'fill="#2563a8" fill-opacity="0.45"',
    "dot": 'fill="#2563a8" stroke="#ffffff" stroke-width="1.5"',
}
"""How each part looks where no style sheet says otherwise, so that a chart taken out of its page still shows."""


class _Plot(NamedTuple):
    """The area that is drawn in, in pixels, and the value at its upper edge."""

    high: float
    top: float = 1.0

    def x(self, share: float) -> float:
        return round(_LEFT + share * (_WIDE - _LEFT - _RIGHT), 2)

    def y(self, value: float) -> float:
        return round(_TOP + (1 - min(value / self.top, 1.0)) * self.high, 2)


def reliability_chart(bins: Sequence[Bin], *, says: str, right_means: str) -> str:
    """What came true when it said so, against the line on which the two agree; `says` and `right_means` name both."""
    plot = _Plot(_HIGH - _TOP - _BOTTOM - _STRIP)
    filled = [one for one in bins if one.cases]
    most = max((one.cases for one in filled), default=1)
    parts = [*_grid(plot, [0, 0.25, 0.5, 0.75, 1.0]), _line(plot, [(0, 0), (1, 1)], "ideal")]
    parts.append(_line(plot, [(one.confidence, one.right) for one in filled], "curve"))
    for one in filled:
        size = round(3 + 5 * (one.cases / most) ** 0.5, 2)
        told = f"says {_span(one)}: {right_means} {one.right:.0%}, n = {one.cases:,}"
        parts.append(
            f'<circle {_looks("dot")} cx="{plot.x(one.confidence)}" cy="{plot.y(one.right)}" r="{size}"><title>{escape(told)}</title></circle>'
        )
    parts += _strip(plot, filled, most)
    parts += _labels(plot, says, f"share {right_means}", below=_STRIP)
    words = "; ".join(f"says {_span(one)}, {right_means} {one.right:.0%} of {one.cases:,}" for one in filled) or "no cases"
    return _svg(
        "reliability",
        "Reliability",
        f"Points on the dashed line are honest, below it more was said than came true. {words}.",
        parts,
    )


def risk_coverage_chart(record: Record) -> str:
    """The error among the surest cases, against how many of them are taken."""
    steps = record.curve()
    top = _round_up(max((one.error for one in steps), default=0.0))
    plot = _Plot(_HIGH - _TOP - _BOTTOM, top)
    parts = _grid(plot, [place * top / 4 for place in range(5)])
    shown = _thinned(steps)
    if shown:
        line = [(0.0, shown[0].error), *((one.coverage, one.error) for one in shown)]
        parts.append(_area(plot, line))
        parts.append(_line(plot, line, "curve"))
    reached = [(target, step) for target in _TARGETS if (step := record.coverage_at(target)) is not None]
    for target, step in reached:
        told = f"at most {target:.0%} wrong: {step.coverage:.1%} of the cases, confidence {step.floor:.2f} and above"
        parts.append(
            f'<circle {_looks("dot")} cx="{plot.x(step.coverage)}" cy="{plot.y(step.error)}" r="5"><title>{escape(told)}</title></circle>'
        )
    parts += _labels(plot, "share of the cases, the surest first", "share wrong among them")
    words = "; ".join(f"with at most {target:.0%} wrong, {step.coverage:.0%} of the cases" for target, step in reached)
    end = f"all cases, {1 - record.accuracy:.1%} wrong" if record.cases else "no cases"
    return _svg("risk", "Risk and coverage", f"{words}; {end}." if words else f"{end}.", parts)


def _looks(kind: str) -> str:
    return f'class="{kind}" {_LOOKS[kind]}'


def _span(one: Bin) -> str:
    return f"{one.low:.2f}–{one.high:.2f}"


def _round_up(error: float) -> float:
    for candidate in (_LEAST_TOP, 0.1, 0.2, 0.4, 0.6, 0.8):
        if error <= candidate:
            return candidate
    return 1.0


def _thinned(steps: Sequence[Step]) -> list[Step]:
    """Evenly spread ones of the steps, the last one always among them."""
    every = -(-len(steps) // _POINTS) or 1
    return list(reversed(steps[::-1][::every]))


def _svg(name: str, title: str, words: str, parts: Iterable[str]) -> str:
    return (
        f'<svg viewBox="0 0 {_WIDE} {_HIGH}" role="img" aria-labelledby="{name}-title {name}-words" xmlns="http://www.w3.org/2000/svg">'
        f'<title id="{name}-title">{escape(title)}</title><desc id="{name}-words">{escape(words)}</desc>{"".join(parts)}</svg>'
    )


def _grid(plot: _Plot, marks: Sequence[float]) -> list[str]:
    parts = []
    for mark in marks:
        at = plot.y(mark)
        parts.append(f'<line {_looks("grid")} x1="{_LEFT}" x2="{_WIDE - _RIGHT}" y1="{at}" y2="{at}"/>')
        digits = 0 if plot.top >= 0.2 else 1
        parts.append(f'<text {_looks("tick")} x="{_LEFT - 8}" y="{at + 4}" text-anchor="end">{mark:.{digits}%}</text>')
    return parts


def _labels(plot: _Plot, across: str, up: str, *, below: float = 0.0) -> list[str]:
    foot = _TOP + plot.high + below
    ticks = [
        f'<text {_looks("tick")} x="{plot.x(share)}" y="{foot + 17}" text-anchor="middle">{share:.0%}</text>'
        for share in (0, 0.25, 0.5, 0.75, 1.0)
    ]
    middle = _TOP + plot.high / 2
    return [
        *ticks,
        f'<text {_looks("axis")} x="{plot.x(0.5)}" y="{foot + 38}" text-anchor="middle">{escape(across)}</text>',
        f'<text {_looks("axis")} x="14" y="{middle}" text-anchor="middle" transform="rotate(-90 14 {middle})">{escape(up)}</text>',
    ]


def _line(plot: _Plot, points: Sequence[tuple[float, float]], kind: str) -> str:
    way = " ".join(f"{plot.x(across)},{plot.y(up)}" for across, up in points)
    return f'<polyline {_looks(kind)} points="{way}"/>'


def _area(plot: _Plot, points: Sequence[tuple[float, float]]) -> str:
    way = " ".join(f"{plot.x(across)},{plot.y(up)}" for across, up in points)
    return f'<polygon {_looks("area")} points="{plot.x(0)},{plot.y(0)} {way} {plot.x(points[-1][0])},{plot.y(0)}"/>'


def _strip(plot: _Plot, bins: Sequence[Bin], most: int) -> list[str]:
    """How many cases lie where, as bars under the diagram."""
    foot = _TOP + plot.high + _STRIP
    bars = []
    for one in bins:
        high = round(max(1.0, (_STRIP - 12) * one.cases / most), 2)
        wide = round(max(plot.x(one.high) - plot.x(one.low) - 2, 1), 2)
        told = f"{one.cases:,} cases between {_span(one)}"
        bars.append(
            f'<rect {_looks("bar")} x="{plot.x(one.low) + 1}" y="{foot - high}" width="{wide}" height="{high}"><title>{escape(told)}</title></rect>'
        )
    return [*bars, f'<line {_looks("grid")} x1="{_LEFT}" x2="{_WIDE - _RIGHT}" y1="{foot}" y2="{foot}"/>']
