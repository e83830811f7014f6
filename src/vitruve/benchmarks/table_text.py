"""A table of texts as Markdown, CSV or LaTeX."""

import csv
import io
from collections.abc import Sequence
from typing import Literal, assert_never

Style = Literal["md", "csv", "tex"]
STYLES: dict[str, Style] = {".md": "md", ".csv": "csv", ".tex": "tex"}
"""What a file's suffix asks for."""


def table_text(headings: Sequence[str], rows: Sequence[Sequence[str]], style: Style) -> str:
    """Lay out a table; the first column is labels, cells between ``**`` are bold.

    Args:
        headings: One for each column.
        rows: As many cells each.
        style: Markdown, CSV as it stands, or LaTeX with booktabs rules.
    """
    match style:
        case "md":
            lines = [_line(headings), "|---" * len(headings) + "|", *map(_line, rows)]
            return "\n".join(lines) + "\n"
        case "csv":
            text = io.StringIO()
            csv.writer(text, lineterminator="\n").writerows([headings, *rows])
            return text.getvalue()
        case "tex":
            return _latex(headings, rows)
        case _:
            assert_never(style)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def _latex(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [
        f"\\begin{{tabular}}{{l{'c' * (len(headings) - 1)}}}",
        "\\toprule",
        f"{' & '.join(map(_escaped, headings))} \\\\",
        "\\midrule",
    ]
    lines += [f"{' & '.join(map(_latex_cell, row))} \\\\" for row in rows]
    return "\n".join([*lines, "\\bottomrule", "\\end{tabular}"]) + "\n"


def _latex_cell(text: str) -> str:
    if text.startswith("**"):
        return f"\\textbf{{{_escaped(text.strip('*'))}}}"
    return _escaped(text)


def _escaped(text: str) -> str:
    special = {c: f"\\{c}" for c in "&%$#_{}"}
    special |= {"\\": "\\textbackslash{}", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}"}
    special |= {"±": "$\\pm$", "↓": "$\\downarrow$", "↑": "$\\uparrow$"}
    return "".join(special.get(c, c) for c in text)
