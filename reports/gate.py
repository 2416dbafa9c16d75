"""The gate of a CI: this run against the baseline of the product, under a policy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, cast

from reports.results import Results
from reports.words import verdict_word
from specs.waiver_files import BaselineFile, ExpectedVerdict, PolicyFile

FAILED = ("FAIL", "ERROR")
UNDECIDED = ("INCONCLUSIVE", "BLOCKED", "NOT_TESTED")
GOOD = ("PASS", "NOT_APPLICABLE", "WAIVED")
KINDS = {
    "new_failures": ("新的不通过", "New failures"),
    "undecided": ("无法判定", "Undecided"),
    "missing": ("缺失", "Missing"),
    "fixed": ("已修复，请更新基线", "Fixed: update the baseline"),
    "new_warnings": ("新的警告", "New warnings"),
    "still_failing": ("仍不通过（已知）", "Still failing (known)"),
}
_ACTIONS = {"fail": ("不放行", "fails"), "warn": ("提醒", "warns"), "ignore": ("忽略", "ignored")}


@dataclass(frozen=True, slots=True)
class GateDecision:
    """Differences by kind, as (requirement, verdict expected, verdict found), and whether the gate opens.
    ``waivers`` are the rows of the run (reports.waivers); a faulty one shuts the gate under every policy."""

    differences: dict[str, tuple[tuple[str, str, str], ...]]
    actions: dict[str, str]
    waivers: tuple[dict[str, Any], ...] = ()

    @property
    def failing(self) -> tuple[str, ...]:
        """The kinds that keep the gate shut."""
        return tuple(kind for kind, rows in self.differences.items() if rows and self.actions[kind] == "fail")

    @property
    def exit_code(self) -> int:
        """0: go on, 1: the policy says no."""
        return 1 if self.failing or any(row["fault"] for row in self.waivers) else 0


def decide(results: Results, baseline: BaselineFile, policy: PolicyFile) -> GateDecision:
    """Compare the requirements that were selected, expected or named as tested."""
    expected = {entry.requirement: entry.verdict for entry in baseline.expected}
    found = results.selected
    names = list(dict.fromkeys([*found, *baseline.tested, *expected]))
    rows: dict[str, list[tuple[str, str, str]]] = {kind: [] for kind in KINDS}
    for name in names:
        before, now = expected.get(name, "PASS"), found.get(name, "")
        if kind := _kind(before, now):
            rows[kind].append((name, before, now or "-"))
    if results.exit_code not in (0, 1, 10):
        rows["missing"].append(("*", "whole run", f"exit code {results.exit_code}"))
    actions = {kind: getattr(policy, kind, "ignore") for kind in KINDS}
    return GateDecision({kind: tuple(found) for kind, found in rows.items()}, actions, results.waivers)


def _kind(before: str, now: str) -> str:
    """The kind of difference; empty for none."""
    if not now:
        return "missing"
    if now in FAILED:
        return "still_failing" if before == "FAIL" and now == "FAIL" else "new_failures"
    if now in UNDECIDED:
        return "still_failing" if before == "INCONCLUSIVE" and now == "INCONCLUSIVE" else "undecided"
    if now == "WARN":
        return "still_failing" if before == "WARN" else "fixed" if before == "FAIL" else "new_warnings"
    if now == "WAIVED":
        return "still_failing" if before in ("FAIL", "WARN") else ""
    return "fixed" if before not in GOOD else ""


def baseline_of(results: Results) -> BaselineFile:
    """The baseline that this run would meet."""
    found = cast("list[tuple[str, Literal['FAIL', 'WARN', 'INCONCLUSIVE']]]", list(results.selected.items()))
    rows = tuple(ExpectedVerdict(i, v) for i, v in found if v in ("FAIL", "WARN", "INCONCLUSIVE"))
    decided = tuple(i for i, v in results.selected.items() if v not in ("NOT_TESTED", "BLOCKED"))
    return BaselineFile("baseline/1", rows, decided)


def markdown(decision: GateDecision, results: Results, language: str) -> str:
    """A summary for a pull request. Text of the device stands in code spans and cannot make markup."""
    side = 0 if language == "zh" else 1
    word = ("放行", "Gate open")[side] if not decision.exit_code else ("不放行", "Gate shut")[side]
    device = results.header["device"]
    lines = [f"## Kandian 看店: {word}", ""]
    lines.append(" · ".join(code_span(str(device[k])) for k in ("manufacturer", "model", "version") if device[k]))
    lines.append("")
    lines.append(" · ".join(f"{verdict_word(v, language)} {n}" for v, n in results.counts.items()))
    for kind, rows in decision.differences.items():
        if not rows:
            continue
        action = _ACTIONS[decision.actions[kind]][side]
        lines += ["", f"### {KINDS[kind][side]}: {len(rows)} ({action})", ""]
        heads = ("| 要求 | 基线 | 本次 |", "| Requirement | Baseline | This run |")
        lines += [heads[side], "|---|---|---|"]
        lines += [f"| {code_span(name)} | {before} | {now} |" for name, before, now in rows]
    lines += _waiver_lines(decision.waivers, language)
    return "\n".join(lines) + "\n"


def _waiver_lines(rows: tuple[dict[str, Any], ...], language: str) -> list[str]:
    if not rows:
        return []
    lines = ["", f"### {'豁免' if language == 'zh' else 'Waivers'}: {len(rows)}", ""]
    for row in rows:
        mark = ("❌ " if row["fault"] else "") + row["words"][language]
        lines.append(f"- {code_span(row['requirement'])} {mark} ≤ {row['expires']}: {code_span(row['reason'])}")
    return lines


def code_span(text: str) -> str:
    """Foreign text as a code span of one line."""
    clean = "".join(c if c.isprintable() and c not in "`|<>" else " " for c in text)[:200].strip()
    return f"`{clean or '-'}`"
