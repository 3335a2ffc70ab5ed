"""Writes the tables of docs/performance.md, between its marks, and the plots beside it, from files of figures.

python benchmarks/performance_page.py docs/figures.jsonl
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from draw_plots import draw_all
from targets import TARGETS, Line, Target, line_of

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "performance.md"
PLOTS = ROOT / "docs" / "plots"
SIZES = (
    "users",
    "events",
    "segments",
    "workers",
    "events_per_second",
    "calls_per_second",
    "engine_percent_of_core",
    "refused",
)
SCRIPTS = {
    "one user": "bench_one_user.py",
    "check": "bench_check.py --users 1000000 --events 10000000",
    "batch check": "bench_batch.py --users 1000000 --events 10000000",
    "start": "bench_start.py --users 1000000 --events 10000000",
    "memory": "bench_memory.py --users 1000000 --events 10000000",
    "visible": "bench_visible.py --users 1000000 --events 10000000",
    "ingest": "bench_ingest.py --users 1000000 --events 10000000",
    "judge": "bench_judge.py --users 1000000 --events 10000000",
    "check amid events": "bench_check_latency.py --users 1000000 --events 10000000",
    "wave": "bench_wave.py --users 1000000",
    "local mode": "bench_local_mode.py",
    "one written row": "bench_one_row.py",
    "growth": "bench_growth.py --smallest 100000 --largest 10000000",
    "growth by segments": "bench_growth.py --smallest 100000 --largest 10000000",
    "growth by events": "bench_growth.py --smallest 100000 --largest 10000000",
    "webhooks": "bench_webhooks.py",
    "watch": "bench_watch.py",
}
"""What gives the figures of each group, at the size of the figures to reach."""
SHORT = {
    "events_per_second": "events/s",
    "calls_per_second": "calls/s",
    "engine_percent_of_core": "% of a core in the engine",
}


def read(paths: list[Path]) -> list[Line]:
    """The figures in the order in which they were measured; of several of one name, size and peer the last one."""
    newest: dict[tuple[object, ...], Line] = {}
    for path in paths:
        for text in path.read_text().splitlines():
            line: Line = json.loads(text)
            key = (line["name"], line["peer"], *(line.get(size) for size in SIZES[:4]))
            newest.pop(key, None)
            newest[key] = line
    return list(newest.values())


def group_of(line: Line) -> str:
    """The part of the name before the colon."""
    return line["name"].partition(":")[0]


def number(value: float) -> str:
    """Three significant digits."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def amount(value: float, unit: str) -> str:
    return f"{number(value)} {unit}"


def sizes_of(line: Line, names: tuple[str, ...] = SIZES) -> str:
    found = [(size, line[size]) for size in names if size in line]
    return ", ".join(f"{counted(value)} {SHORT.get(size, size)}" for size, value in found)


def counted(value: int) -> str:
    """As 10 k or 1 M where that is exact."""
    for unit, name in ((1_000_000, " M"), (1_000, " k")):
        if value >= unit and not value % unit:
            return f"{value // unit:,}{name}"
    return f"{value:,}"


def targets_table(lines: list[Line]) -> list[str]:
    """One row for each figure that is to be reached."""
    rows = [
        "| what | at | segmentd | peer | ratio | to reach | reached | commit |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    return rows + [_target_row(target, line_of(target, lines)) for target in TARGETS]


def _target_row(target: Target, line: Line | None) -> str:
    if line is None:
        return f"| {target.what} | | not measured yet | | | {target.reach()} | | |"
    reached = {True: "yes", False: "no", None: ""}[target.reached(line)]
    peer = "" if line["peer"] == "target" else f"{amount(line['peer_value'], line['unit'])}, {line['peer']}"
    ratio = "" if target.of_value else number(line["ratio"])
    cells = (
        f"[{target.what}](#{group_of(line).replace(' ', '-')})",
        sizes_of(line, SIZES[:3]),
        amount(line["value"], line["unit"]),
        peer,
        ratio,
        target.reach(),
        reached,
    )
    return f"| {' | '.join(cells)} | {line.get('commit', '')} |"


def all_tables(lines: list[Line]) -> list[str]:
    """A table for each group, with the command."""
    text: list[str] = []
    for group in dict.fromkeys(map(group_of, lines)):
        text += [
            f"### {group[0].upper()}{group[1:]}",
            "",
            f"`.venv/bin/python benchmarks/{SCRIPTS[group]}`",
            "",
            "| what | at | segmentd | peer | ratio |",
            "| --- | --- | --- | --- | --- |",
        ]
        for line in sorted((each for each in lines if group_of(each) == group), key=_order):
            peer = "" if line["peer"] == "target" else f"{amount(line['peer_value'], line['unit'])}, {line['peer']}"
            what = line["name"].partition(": ")[2]
            ratio = number(line["ratio"]) if line["ratio"] is not None else ""
            text.append(f"| {what} | {sizes_of(line)} | {amount(line['value'], line['unit'])} | {peer} | {ratio} |")
        text.append("")
    return text[:-1]


def _order(line: Line) -> tuple[str, int, int]:
    return line["name"], line.get("users", 0), line.get("segments", 0)


def plots_part(names: list[str]) -> list[str]:
    return [part for name in names for part in (f"![{name.replace('-', ' ')}](plots/{name}.svg)", "")][:-1]


def with_part(page: str, name: str, lines: list[str]) -> str:
    """The page with other text between the marks of a part. Raises ValueError where the marks are missing."""
    begin, end = f"<!-- generated: {name} -->\n", "<!-- end -->"
    start = page.index(begin) + len(begin)
    return page[:start] + "\n" + "\n".join(lines) + "\n\n" + page[page.index(end, start) :]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("figures", nargs="+", type=Path, help="files of figures, the newest last")
    lines = read(parser.parse_args().figures)
    page = PAGE.read_text()
    parts = {
        "targets": targets_table(lines),
        "plots": plots_part(draw_all(lines, PLOTS)),
        "figures": all_tables(lines),
    }
    for name, part in parts.items():
        page = with_part(page, name, part)
    PAGE.write_text(page)


if __name__ == "__main__":
    main()
