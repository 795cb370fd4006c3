"""The policy desk's report as one page of HTML that needs nothing else: tables and bars, in Thai and English."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

from foundation.language import Text, say_date
from lifeevents.scan.desk import COLUMNS, Column, Report, Row, Table
from lifeevents.scan.disclosure import FEWEST

_BARS: Final[tuple[Column, ...]] = ("gain", "lose", "unclear")
_COLOURS: Final = {"gain": "#1a6fb0", "lose": "#b3261e", "unclear": "#8a6d00"}
_WIDTH, _BAR, _LABELS = 760, 12, 250
_OPEN_UP_TO: Final = 20  # rows: a table that is longer is folded
_STYLE: Final = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, "Noto Sans Thai", sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.2rem; margin-top: 2.5rem; } small { opacity: .75; }
table { border-collapse: collapse; width: 100%; } th, td { padding: .25rem .6rem; text-align: left; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; } tbody tr { border-top: 1px solid #8884; }
pre { overflow-x: auto; padding: .6rem; background: #8881; } ins { color: #1a6fb0; } del { color: #b3261e; }
ins, del { text-decoration: none; } dl { display: grid; grid-template-columns: auto 1fr; gap: .2rem .8rem; } dd { margin: 0; }
@media print { details:not([open]) > * { display: none; } }
svg text { font-size: 12px; fill: currentColor; } svg { width: 100%; height: auto; }
"""


_MEANS: Final[Mapping[Column, Text]] = {
    "gain": Text(th="ยังไม่มีสิทธิ หรือยังไม่ทราบ แล้วจะมีสิทธิ", en="are not entitled, or it isn't known, and would be"),
    "lose": Text(th="มีสิทธิอยู่ แล้วจะไม่มี", en="are entitled and would not be"),
    "unclear": Text(
        th="จะเปลี่ยนเป็นยังไม่ทราบ หรือจากยังไม่ทราบเป็นไม่มีสิทธิ เพราะขาดข้อมูล",
        en="would no longer be known, or were not known and would not be entitled: a fact is missing",
    ),
}


def html(report: Report, *, changed: Sequence[str] = ()) -> str:
    """Whatever comes from a file is escaped; there is no script. `changed`: the lines that are tried, as a difference."""
    service = report.service
    title = f"{service.title.th} / {service.title.en}"
    eligible = f"{_number(report.eligible_before)} → {_number(report.eligible_after)}"
    day = Text(th=say_date(report.on, "th"), en=say_date(report.on, "en"))
    means = "".join(
        f'<dt><span style="color:{_COLOURS[column]}">■</span> {_both(COLUMNS[column])}</dt><dd>{_both(_MEANS[column])}</dd>'
        for column in _BARS
    )
    return f"""<!DOCTYPE html>
<html lang="th"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title><style>{_STYLE}</style></head><body>
<h1>{_both(service.title)}</h1>
<p>{_both(Text(th="กฎที่ทดลอง ยังไม่ประกาศใช้", en="A rule that is tried, not in force"))} ·
<code>{escape(service.code)}</code> · {_both(day)} · {_both(Text(th="บัญชี", en="catalogue"))}
<code>{escape(report.release)}</code></p>
{_changed(changed)}
<p>{_both(Text(th="ผู้มีสิทธิ", en="Eligible"))}: <strong>{eligible}</strong></p>
<table><thead><tr>{"".join(f'<th class="number">{_both(name)}</th>' for name in COLUMNS.values())}</tr></thead>
<tbody><tr>{
        "".join(f'<td class="number">{_number(report.total[column])}</td>' for column in COLUMNS)
    }</tr></tbody></table>
<dl>{means}</dl>
<p><small>{
        _both(
            Text(
                th=f"จำนวนที่น้อยกว่า {FEWEST} คน และจำนวนที่จะทำให้คำนวณย้อนกลับได้ ไม่แสดง (–) "
                "อย่าเผยแพร่รายงานสองฉบับของกฎที่เกือบเหมือนกัน เพราะเทียบกันแล้วคำนวณได้",
                en=f"Numbers below {FEWEST}, and those from which one would follow, are not told (–). Don't publish two "
                "reports of rules that are almost the same: compared, they tell.",
            )
        )
    }</small></p>
{"".join(_section(table) for table in report.tables)}
</body></html>
"""


def _changed(lines: Sequence[str]) -> str:
    if not lines:
        return ""
    marks = {"+": "ins", "-": "del"}
    said = "\n".join(
        f"<{mark}>{escape(line)}</{mark}>" if (mark := marks.get(line[:1])) else escape(line) for line in lines
    )
    return f"<h2>{_both(Text(th='สิ่งที่เปลี่ยน', en='What is changed'))}</h2>\n<pre>{said}</pre>"


def _section(table: Table) -> str:
    head = "".join(f'<th class="number">{_both(name)}</th>' for name in COLUMNS.values())
    rows = "".join(_row(row) for row in table.rows)
    return f"""<h2>{_both(table.title)}</h2>
{_chart(table)}
<details{" open" if len(table.rows) <= _OPEN_UP_TO else ""}><summary>{_both(Text(th="ตาราง", en="Table"))}</summary>
<table><thead><tr><th></th>{head}</tr></thead><tbody>{rows}</tbody></table></details>
"""


def _row(row: Row) -> str:
    cells = "".join(f'<td class="number">{_number(row.counts[column])}</td>' for column in COLUMNS)
    return f"<tr><td>{_both(row.group)}</td>{cells}</tr>"


def _chart(table: Table) -> str:
    """A group of bars for each group of people to whom something happens; what is not told has a dash."""
    rows = [row for row in table.rows if any(row.counts[column] != 0 for column in _BARS)]
    if not rows:
        return f"<p>{_both(Text(th='ไม่มีกลุ่มใดเปลี่ยน', en='Nothing changes for any group.'))}</p>"
    most = max((row.counts[column] or 0 for row in rows for column in _BARS), default=0) or 1
    step = _BAR * len(_BARS) + 10
    parts = []
    for place, row in enumerate(rows):
        top = place * step
        parts.append(f'<text x="{_LABELS - 8}" y="{top + step / 2}" text-anchor="end">{_plain(row.group)}</text>')
        for number, column in enumerate(_BARS):
            count, y = row.counts[column], top + number * _BAR + 3
            if count is None:
                parts.append(f'<text x="{_LABELS}" y="{y + _BAR - 1}">–</text>')
                continue
            wide = count / most * (_WIDTH - _LABELS - 90)
            parts.append(
                f'<rect x="{_LABELS}" y="{y}" width="{wide:.1f}" height="{_BAR - 1}" fill="{_COLOURS[column]}">'
                f"<title>{_plain(row.group)}, {_plain(COLUMNS[column])}: {count:,}</title></rect>"
            )
            if count:
                parts.append(f'<text x="{_LABELS + wide + 4:.1f}" y="{y + _BAR - 1}">{count:,}</text>')
    label = _plain(table.title)
    height = len(rows) * step
    return f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{label}">{"".join(parts)}</svg>'


def _both(text: Text) -> str:
    """Each in its own language, for who has it read aloud."""
    if text.th == text.en:
        return escape(text.th)
    return f'{escape(text.th)} / <span lang="en">{escape(text.en)}</span>'


def _plain(text: Text) -> str:
    return escape(text.th if text.th == text.en else f"{text.th} / {text.en}")


def _number(count: int | None) -> str:
    return "–" if count is None else f"{count:,}"
