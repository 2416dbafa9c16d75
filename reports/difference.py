"""Two runs compared: pre-test against lab, firmware against firmware."""

from __future__ import annotations

from dataclasses import dataclass

from reports.gate import code_span
from reports.results import Results
from reports.rows import worst_test

_BAD = ("FAIL", "ERROR", "INCONCLUSIVE", "BLOCKED", "WARN", "NOT_TESTED")
KINDS = {
    "new": ("新问题", "New"),
    "fixed": ("已修复", "Fixed"),
    "changed_verdict": ("判定变化", "Other verdict"),
    "changed_reason": ("原因变化", "Other reason"),
    "missing": ("后者缺失", "Missing in the second"),
    "added": ("后者新增", "Only in the second"),
}


@dataclass(frozen=True, slots=True)
class Change:
    """One requirement that differs. Verdicts are empty where the run did not select it; reasons are in English."""

    requirement: str
    kind: str
    before: str
    after: str
    reason_before: str
    reason_after: str


def compare(before: Results, after: Results) -> tuple[Change, ...]:
    """The differences in order of kind, then of requirement."""
    changes = []
    for name in sorted({*before.selected, *after.selected}):
        old, new = before.selected.get(name, ""), after.selected.get(name, "")
        reasons = _reason(before, name), _reason(after, name)
        if kind := _kind(old, new, reasons):
            changes.append(Change(name, kind, old, new, *reasons))
    return tuple(sorted(changes, key=lambda change: list(KINDS).index(change.kind)))


def _kind(old: str, new: str, reasons: tuple[str, str]) -> str:
    if not new:
        return "missing"
    if not old:
        return "added"
    if old != new:
        if (old in _BAD) == (new in _BAD):
            return "changed_verdict"
        return "new" if new in _BAD else "fixed"
    return "changed_reason" if new in _BAD and reasons[0] != reasons[1] else ""


def _reason(results: Results, name: str) -> str:
    test = worst_test(results, name)
    return str(test["reason"]["en"]) if test else ""


def difference_text(changes: tuple[Change, ...], language: str) -> str:
    """Markdown for a person; foreign text stands in code spans."""
    side = 0 if language == "zh" else 1
    if not changes:
        return ("两次运行的判定与原因相同。", "Both runs have the same verdicts and reasons.")[side] + "\n"
    lines = []
    for kind, titles in KINDS.items():
        rows = [change for change in changes if change.kind == kind]
        if rows:
            lines += [f"### {titles[side]}: {len(rows)}", ""]
            lines += [_line(change) for change in rows]
            lines.append("")
    return "\n".join(lines)


def _line(change: Change) -> str:
    head = f"- {code_span(change.requirement)} {change.before or '-'} → {change.after or '-'}"
    if change.kind == "changed_reason":
        return f"{head}: {code_span(change.reason_before)} → {code_span(change.reason_after)}"
    reason = change.reason_after or change.reason_before
    return f"{head}: {code_span(reason)}" if reason else head
