"""The few lines that a person sees at the end of a run."""

from __future__ import annotations

from reports.results import Results
from reports.words import conclusion, verdict_word

SHOWN = 12


def summary(results: Results, language: str) -> str:
    """Conclusion, counts, and the first findings in one language."""
    zh_word, en_word, zh, en = conclusion(results.exit_code, stale=results.stale_waivers)
    word, sentence = (zh_word, zh) if language == "zh" else (en_word, en)
    counts = " · ".join(f"{verdict_word(v, language)} {n}" for v, n in results.counts.items())
    lines = [f"{word}: {sentence}", counts]
    blocked = results.footer.get("blocked")
    if blocked:
        lines.append(blocked[language])
    if results.header.get("timer_scale", 1.0) < 1.0:
        lines.append(
            "定时器已压缩，非认证运行。" if language == "zh" else "Compressed timers: not a certification run."
        )
    lines += [
        f"  {'!' if row['fault'] else ' '} {'豁免' if language == 'zh' else 'Waiver'} {row['requirement']}: "
        f"{row['words'][language]} (≤ {row['expires']})"
        for row in results.waivers
    ]
    findings = [i for i, v in results.selected.items() if v in ("FAIL", "ERROR", "INCONCLUSIVE", "WARN")]
    for requirement_id in findings[:SHOWN]:
        verdict = results.selected[requirement_id]
        tests = results.tests_of(requirement_id)
        reason = tests[0]["reason"][language] if tests else ""
        lines.append(f"  {verdict_word(verdict, language)}  {requirement_id}  {reason[:300]}")
    if len(findings) > SHOWN:
        more = len(findings) - SHOWN
        lines.append(f"  … 另有 {more} 项" if language == "zh" else f"  … and {more} more")
    return "\n".join(lines)
