"""Three questions about a bundle, answered separately: who signed, is it whole, are the verdicts reproduced.

None of the answers implies another. A signature says who; consistency says unchanged and without contradiction; only
judging the tape again says that the verdicts follow from the evidence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from reports.bundle.content import check_content, read_run
from reports.bundle.keys import PublicKey
from reports.bundle.layout import BundleError, Problem
from reports.bundle.reader import Bundle, open_bundle
from reports.bundle.signatures import Signature, examine, statement_problems
from reports.bundle.statement import VERDICTS, kind_words

State = Literal["yes", "no", "not asked", "not answerable"]
Rejudge = Callable[[Path], Sequence[Problem]]

#: The exit code is REFUSED plus the number of each question that is not answered with yes; 0 when all are.
REFUSED = 16
WEIGHTS = {"signature": 1, "content": 2, "verdicts": 4}
QUESTIONS = {
    "signature": ("签名有效", "signature valid"),
    "content": ("内容完整一致", "content whole and consistent"),
    "verdicts": ("判定可重现", "verdicts reproduced"),
}
STATES = {
    "yes": ("是", "yes"),
    "no": ("否", "no"),
    "not asked": ("未查", "not asked"),
    "not answerable": ("无法回答", "not answerable"),
}


#: With these, statements cannot be compared with the content.
_UNREADABLE = frozenset({"shape", "not-json", "missing-file", "truncated"})


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one question. ``facts``: (zh, en) lines to be shown with it, also where the answer is yes."""

    question: str
    state: State
    problems: tuple[Problem, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Verification:
    """All three answers. ``digest``: of the manifest, empty when there is none."""

    signature: Answer
    content: Answer
    verdicts: Answer
    digest: str = ""

    @property
    def answers(self) -> tuple[Answer, ...]:
        """In the order of the questions."""
        return self.signature, self.content, self.verdicts

    @property
    def exit_code(self) -> int:
        """0, or 16 + 1 (signature) + 2 (content) + 4 (verdicts)."""
        code = sum(WEIGHTS[a.question] for a in self.answers if a.state not in ("yes", "not asked"))
        return REFUSED + code if code else 0


def verify(path: Path, keys: Sequence[PublicKey], now: datetime, rejudge: Rejudge | None = None) -> Verification:
    """Answer the questions. ``rejudge`` judges the tape again and returns the differences; it is only called when the
    content is whole. Never raises for what the file holds."""
    try:
        bundle = open_bundle(path)
    except BundleError as error:
        problem = Problem(error.code, path.name, error.zh, error.en)
        verdicts: State = "not answerable" if rejudge else "not asked"
        return Verification(
            Answer("signature", "not answerable"), Answer("content", "no", (problem,)), Answer("verdicts", verdicts)
        )
    with bundle:
        content = list(check_content(bundle))
        signatures = examine(bundle, keys, now)
        if not {problem.code for problem in content} & _UNREADABLE:
            content += _statements(bundle, signatures)
        whole = Answer(
            "content", "no" if content else "yes", tuple(content), _content_facts(bundle) if not content else ()
        )
        digest = _digest(bundle)
    verdicts_answer = Answer("verdicts", "not asked")
    if rejudge is not None:
        verdicts_answer = _rejudged(path, rejudge) if whole.state == "yes" else Answer("verdicts", "not answerable")
    return Verification(_signed(signatures), whole, verdicts_answer, digest)


def _statements(bundle: Bundle, signatures: Sequence[Signature]) -> list[Problem]:
    try:
        return list(statement_problems(read_run(bundle), signatures))
    except BundleError:
        return []


def _digest(bundle: Bundle) -> str:
    try:
        return bundle.manifest_digest
    except BundleError:
        return ""


def _content_facts(bundle: Bundle) -> tuple[tuple[str, str], ...]:
    manifest = bundle.manifest
    counts = ", ".join(f"{verdict} {n}" for verdict, n in manifest["counts"].items())
    files = len(manifest["files"])
    device = " ".join(filter(None, (manifest["device"].get(n, "") for n in ("manufacturer", "model", "dev_id"))))
    facts = [
        (f"设备: {device}", f"device: {device}"),
        (
            f"{files} 个文件, {manifest['tests']} 个测试: {counts}",
            f"{files} files, {manifest['tests']} tests: {counts}",
        ),
    ]
    if manifest["timer_scale"] < 1.0:
        facts.append(("定时器已压缩，非认证运行", "compressed timers: not a certification run"))
    return tuple(facts)


def _signed(signatures: Sequence[Signature]) -> Answer:
    """Yes: a trusted key made the statement of verdicts, and no signature is wrong. Unknown keys beside it are told."""
    wrong = tuple(s.problem for s in signatures if s.code not in ("", "unknown-key"))
    unknown = tuple(s.problem for s in signatures if s.code == "unknown-key")
    facts = tuple(_signature_fact(s) for s in signatures if not s.code and s.kind == VERDICTS)
    if not signatures:
        return Answer("signature", "no", (Problem("unsigned", "signatures/", "没有签名", "nobody signed"),))
    if wrong or not facts:
        return Answer("signature", "no", wrong + unknown, facts)
    return Answer("signature", "yes", (), facts + tuple((p.line("zh"), p.line("en")) for p in unknown))


def _signature_fact(signature: Signature) -> tuple[str, str]:
    assert signature.key is not None
    key, predicate = signature.key, signature.statement["predicate"]
    zh, en = (kind_words(key.role, predicate, lang) for lang in ("zh", "en"))
    tail = f"{key.owner} ({key.keyid[:16]}), {predicate['signedAt']}"
    return f"{zh}: {tail}", f"{en}: {tail}"


def _rejudged(path: Path, rejudge: Rejudge) -> Answer:
    problems = tuple(rejudge(path))
    return Answer("verdicts", "no" if problems else "yes", problems)
