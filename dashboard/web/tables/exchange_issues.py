"""The issues that Cint reports for a group's metrics, in its own words."""

from __future__ import annotations

from collections.abc import Mapping

from dashboard.web.formatting import labels

FIGURES = {
    "epc": "EPC",
    "epcm": "EPCM",
    "incidence_rate": "IR",
    "median_loi_seconds": "LOI",
    "average_cpi": "Average CPI",
}


def issue_lines(issues: object) -> list[str]:
    """Return a line per issue: the metric, the problem, and Cint's suggestions."""
    lines = []
    for figure, listed in (issues if isinstance(issues, dict) else {}).items():
        for issue in listed if isinstance(listed, list) else []:
            if isinstance(issue, Mapping):
                lines.append(_issue_line(str(figure), issue))
    return lines


def _issue_line(figure: str, issue: Mapping[str, object]) -> str:
    reason = issue.get("text") or labels.sentence_case(str(issue.get("code") or ""))
    name = FIGURES.get(figure, labels.sentence_case(figure))
    tips = issue.get("suggestions")
    sentences = [f"{name}: {reason}", *map(str, tips if isinstance(tips, list) else [])]
    return " ".join(f"{sentence.rstrip('.')}." for sentence in sentences)
