"""The words of the reports in both languages. One place, so that every renderer says the same."""

from __future__ import annotations

VERDICTS = {
    "PASS": ("通过", "Pass"),
    "WARN": ("警告", "Warning"),
    "FAIL": ("不通过", "Fail"),
    "ERROR": ("套件错误", "Suite error"),
    "INCONCLUSIVE": ("无法判定", "Inconclusive"),
    "BLOCKED": ("受阻", "Blocked"),
    "NOT_TESTED": ("未测试", "Not tested"),
    "NOT_APPLICABLE": ("不适用", "Not applicable"),
    "NOT_SELECTED": ("未选择", "Not selected"),
    "WAIVED": ("豁免", "Waived"),
}

#: What a check may come to.
OUTCOMES = {
    "held": ("成立", "held"),
    "violated": ("违反", "violated"),
    "inconclusive": ("无法判定", "inconclusive"),
    "not_applicable": ("不适用", "not applicable"),
}

CONCLUSIONS = {
    0: ("符合", "Conforms", "所有选定要求均已满足。", "Every selected requirement is met."),
    1: ("不符合", "Does not conform", "至少一项强制要求不满足。", "At least one mandatory requirement is violated."),
    2: ("已中断", "Interrupted", "测试被中断，结果不完整。", "The run was interrupted; the results are incomplete."),
    3: ("套件错误", "Suite error", "测试套件自身出错，结论无效。", "The suite itself broke; there is no conclusion."),
    5: ("未执行", "Nothing ran", "没有执行任何测试。", "No test was run."),
    10: (
        "无法判定",
        "Inconclusive",
        "没有发现不符合，但部分要求未能判定。",
        "Nothing failed, but some requirements stay undecided.",
    ),
}

STALE_WAIVERS = (
    "豁免失效",
    "Stale waivers",
    "没有未豁免的不符合，但有豁免已过期、未使用或不再需要。",
    "Nothing fails without a waiver, but a waiver is expired, unused or no longer needed.",
)


def verdict_word(verdict: str, language: str) -> str:
    """The verdict in the reader's language."""
    zh, en = VERDICTS[verdict]
    return zh if language == "zh" else en


def conclusion(exit_code: int, *, stale: bool = False) -> tuple[str, str, str, str]:
    """(zh word, en word, zh sentence, en sentence) for an exit code. ``stale``: waivers alone fail the run."""
    return STALE_WAIVERS if stale else CONCLUSIONS.get(exit_code, CONCLUSIONS[3])
