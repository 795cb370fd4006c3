"""The policy desk's report as one page of HTML that needs nothing else: tables and bars, in Thai and English."""

from __future__ import annotations

from html import escape
from typing import Final

from foundation.language import Text
from lifeevents.scan.desk import COLUMNS, FEWEST, Column, Report, Row, Table

_BARS: Final[tuple[Column, ...]] = ("gain", "lose", "unclear")
_COLOURS: Final = {"gain": "#1b7f4b", "lose": "#b3261e", "unclear": "#8a6d00"}
_WIDTH, _BAR, _LABELS = 720, 9, 190
_STYLE: Final = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, "Noto Sans Thai", sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.2rem; margin-top: 2.5rem; } small { opacity: .75; }
table { border-collapse: collapse; width: 100%; } th, td { padding: .25rem .6rem; text-align: left; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; } tbody tr { border-top: 1px solid #8884; }
svg text { font-size: 12px; fill: currentColor; } svg { width: 100%; height: auto; }
"""


def html(report: Report) -> str:
    """Whatever comes from a file is escaped; there is no script."""
    service = report.service
    title = f"{service.title.th} / {service.title.en}"
    legend = " · ".join(f'<span style="color:{_COLOURS[column]}">■</span> {_both(COLUMNS[column])}' for column in _BARS)
    eligible = f"{_number(report.eligible_before)} → {_number(report.eligible_after)}"
    return f"""<!DOCTYPE html>
<html lang="th"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title><style>{_STYLE}</style></head><body>
<h1>{escape(title)}</h1>
<p><code>{escape(service.code)}</code> · {_both(Text(th="ณ วันที่", en="on"))} {report.on.isoformat()} ·
{_both(Text(th="บัญชี", en="catalogue"))} <code>{escape(report.release)}</code></p>
<p>{_both(Text(th="ผู้มีสิทธิ", en="Eligible"))}: <strong>{eligible}</strong></p>
<table><thead><tr>{"".join(f'<th class="number">{_both(name)}</th>' for name in COLUMNS.values())}</tr></thead>
<tbody><tr>{
        "".join(f'<td class="number">{_number(report.total[column])}</td>' for column in COLUMNS)
    }</tr></tbody></table>
<p><small>{
        _both(
            Text(
                th=f"จำนวนที่น้อยกว่า {FEWEST} คน และจำนวนที่จะทำให้คำนวณย้อนกลับได้ ไม่แสดง (–)",
                en=f"Numbers below {FEWEST}, and those from which one would follow, are not told (–).",
            )
        )
    }</small></p>
<p>{legend}</p>
{"".join(_section(table) for table in report.tables)}
</body></html>
"""


def _section(table: Table) -> str:
    head = "".join(f'<th class="number">{_both(name)}</th>' for name in COLUMNS.values())
    rows = "".join(_row(row) for row in table.rows)
    return f"""<h2>{_both(table.title)}</h2>
{_chart(table)}
<details><summary>{_both(Text(th="ตาราง", en="Table"))}</summary>
<table><thead><tr><th></th>{head}</tr></thead><tbody>{rows}</tbody></table></details>
"""


def _row(row: Row) -> str:
    cells = "".join(f'<td class="number">{_number(row.counts[column])}</td>' for column in COLUMNS)
    return f"<tr><td>{_both(row.group)}</td>{cells}</tr>"


def _chart(table: Table) -> str:
    """A group of bars for each group of people; what is not told has a dash."""
    most = max((row.counts[column] or 0 for row in table.rows for column in _BARS), default=0) or 1
    step = _BAR * len(_BARS) + 10
    parts = []
    for place, row in enumerate(table.rows):
        top = place * step
        parts.append(f'<text x="{_LABELS - 8}" y="{top + step / 2}" text-anchor="end">{_both(row.group)}</text>')
        for number, column in enumerate(_BARS):
            count, y = row.counts[column], top + number * _BAR + 3
            if count is None:
                parts.append(f'<text x="{_LABELS}" y="{y + _BAR - 1}">–</text>')
                continue
            wide = count / most * (_WIDTH - _LABELS - 90)
            parts.append(
                f'<rect x="{_LABELS}" y="{y}" width="{wide:.1f}" height="{_BAR - 1}" fill="{_COLOURS[column]}">'
                f"<title>{_both(row.group)}, {_both(COLUMNS[column])}: {count:,}</title></rect>"
            )
            if count:
                parts.append(f'<text x="{_LABELS + wide + 4:.1f}" y="{y + _BAR - 1}">{count:,}</text>')
    label = _both(table.title)
    height = max(len(table.rows) * step, 1)
    return f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{label}">{"".join(parts)}</svg>'


def _both(text: Text) -> str:
    return escape(text.th if text.th == text.en else f"{text.th} / {text.en}")


def _number(count: int | None) -> str:
    return "–" if count is None else f"{count:,}"
