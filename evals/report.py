"""Reports: one run of an eval as a table for people, JSON for machines and JUnit XML for CI."""

import json
from typing import Any
from xml.etree import ElementTree as ET

from ..core.noun import Noun, plain
from .scorers import LabelScore, WrongAutos
from .statistics import Share


class CaseResult(Noun):
    """One case of a run."""

    id: str
    passed: bool
    detail: str = ""
    """What was expected and found, where it did not pass."""


class Report(Noun):
    """What a run came to."""

    name: str
    subject: str
    """What was judged: playbook and brain."""
    n: int
    exact_labels: Share
    routes: Share
    touchless: Share
    wrong_autos: WrongAutos
    labels: tuple[LabelScore, ...]
    confusion: dict[str, int]
    cases: tuple[CaseResult, ...]
    problems: tuple[str, ...] = ()
    """Cases that could not be read; each counts as wrong."""

    @property
    def failed(self) -> tuple[CaseResult, ...]:
        """The cases that did not pass."""
        return tuple(case for case in self.cases if not case.passed)

    def text(self) -> str:
        """A table for people."""
        return "\n".join((*self._headline(), "", *_label_table(self.labels), *self._wrong()))

    def as_json(self) -> str:
        """Every number with its n and interval, and every case, as JSON."""
        return json.dumps(self.as_data(), indent=2, ensure_ascii=False)

    def as_data(self) -> dict[str, Any]:
        """The report as JSON types."""
        return {
            "name": self.name,
            "subject": self.subject,
            "n": self.n,
            "exact_labels": numbers(self.exact_labels),
            "routes": numbers(self.routes),
            "touchless": numbers(self.touchless),
            "wrong_autos": {
                **numbers(self.wrong_autos.share),
                "upper_95": self.wrong_autos.upper,
                "ids": list(self.wrong_autos.ids),
                "leaked": plain(self.wrong_autos.leaked),
            },
            "labels": [
                {"label": score.label, "precision": numbers(score.precision), "recall": numbers(score.recall)}
                for score in self.labels
            ],
            "confusion": self.confusion,
            "problems": list(self.problems),
            "cases": plain(self.cases),
        }

    def as_junit(self) -> str:
        """One test case per case, for CI systems that read JUnit XML."""
        suite = ET.Element("testsuite", name=self.name, tests=str(len(self.cases)), failures=str(len(self.failed)))
        for case in self.cases:
            node = ET.SubElement(suite, "testcase", classname=self.name, name=_printable(case.id))
            if not case.passed:
                ET.SubElement(node, "failure", message=_printable(case.detail))
        return ET.tostring(suite, encoding="unicode", xml_declaration=True)

    def _headline(self) -> list[str]:
        wrong = self.wrong_autos
        leaked = ", ".join(f"{amount:,} {currency}" for currency, amount in sorted(wrong.leaked.items())) or "nothing"
        return [
            f"{self.name}: {self.subject}, {self.n} cases",
            f"  labels exactly right   {self.exact_labels}",
            f"  route right            {self.routes}",
            f"  without a person       {self.touchless}",
            f"  wrong among those      {wrong.share}; at most {100 * wrong.upper:.1f} % with 95 % confidence",
            f"  money leaked           {leaked}",
        ]

    def _wrong(self) -> list[str]:
        if not (self.confusion or self.problems):
            return []
        lines = ["", "Not exactly right (truth -> answer):"]
        lines += [f"  {count:4}  {what}" for what, count in self.confusion.items()]
        return [*lines, *(f"  {problem}" for problem in self.problems)]


def _label_table(scores: tuple[LabelScore, ...]) -> list[str]:
    rows = [("label", "precision", "recall")]
    rows += [(score.label, str(score.precision), str(score.recall)) for score in scores]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def numbers(share: Share) -> dict[str, Any]:
    """A share as JSON types, with the bounds of its interval."""
    low, high = share.interval
    return {"value": share.value, "hits": share.hits, "n": share.n, "low": low, "high": high}


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)
