"""The exchange's own issues with a group's figures, as it words them."""

from __future__ import annotations

from typing import Any

from dashboard.web.formatting import labels

FIGURES = {
    "epc": "EPC",
    "epcm": "EPCM",
    "incidence_rate": "IR",
    "median_loi_seconds": "LOI",
    "average_cpi": "Average CPI",
}


def issue_lines(issues: Any) -> list[str]:
    """A line an issue: the figure, what is wrong with it, and what the exchange suggests."""
    lines = []
    for figure, found in (issues if isinstance(issues, dict) else {}).items():
        for issue in found if isinstance(found, list) else []:
            lines.append(_line(str(figure), issue))
    return lines


def _line(figure: str, issue: dict[str, Any]) -> str:
    reason = issue.get("text") or labels.sentence_case(str(issue.get("code") or ""))
    name = FIGURES.get(figure, labels.sentence_case(figure))
    said = [f"{name}: {reason}", *(str(tip) for tip in issue.get("suggestions") or [])]
    return " ".join(f"{sentence.rstrip('.')}." for sentence in said)
