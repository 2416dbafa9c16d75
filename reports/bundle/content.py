"""Is the content whole and consistent? Everything is counted again from the files; nobody's word is taken.

Each function yields problems; a problem names what to look at. None of them stops at the first.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from reports.bundle import layout, support
from reports.bundle.layout import BundleError, Problem, document_digest
from reports.bundle.reader import Bundle
from reports.bundle.support import Stanza
from reports.bundle.writer import stanzas
from specs.bundle_files import Environment, Manifest, PlanFile, ResultFooter, ResultHeader, ResultTest
from specs.loader import SPECS_ROOT, UnknownName, load_catalogue, spec_digest
from specs.yaml_source import SourceError, read_yaml

T = TypeVar("T")
Line = Mapping[str, Any]
_SESSION = "evidence/session"


@dataclass(frozen=True, slots=True)
class Run:
    """The documents of a bundle, each of the right shape."""

    manifest: Line
    plan: Line
    header: Line
    tests: tuple[Line, ...]
    footer: Line
    stanzas: Mapping[str, Stanza]


def check_content(bundle: Bundle) -> tuple[Problem, ...]:
    """Every problem of the content, in the order of the checks. Never raises for what the bundle holds."""
    found: list[Problem] = []
    try:
        msgspec.convert(bundle.manifest, Manifest)
        found += _files(bundle)
        run = read_run(bundle)
        for check in (_digests, _figures, _tests, _verdicts, _totals):
            found += check(run)
        found += _evidence(bundle, run)
        found += _spec(bundle, run)
        found += _device(bundle, run)
    except BundleError as error:
        found.append(Problem(error.code, bundle.path.name, error.zh, error.en))
    except RecursionError:
        found.append(Problem("shape", bundle.path.name, "嵌套过深", "nested too deeply"))
    except msgspec.ValidationError as error:
        found.append(Problem("shape", layout.MANIFEST, f"格式不符: {error}", f"not of the right form: {error}"))
    return tuple(found)


def read_run(bundle: Bundle) -> Run:
    """The documents of a bundle. Raises BundleError: one is missing or has not the right shape."""
    lines = bundle.results_lines
    if not lines or lines[0].get("kind") != "header":
        raise BundleError("truncated", "results.jsonl 缺少首行", "results.jsonl has no header line")
    if lines[-1].get("kind") != "footer":
        raise BundleError("truncated", "results.jsonl 缺少末行", "results.jsonl has no footer line: it is cut off")
    _shaped(f"{layout.RESULTS}:1", lines[0], ResultHeader)
    for number, line in enumerate(lines[1:-1], start=2):
        _shaped(f"{layout.RESULTS}:{number}", line, ResultTest)
    _shaped(f"{layout.RESULTS}:{len(lines)}", lines[-1], ResultFooter)
    _shaped(layout.PLAN, bundle.plan, PlanFile)
    table = bundle.document(layout.REQUIREMENTS)
    rows = {name: _shaped(f"{layout.REQUIREMENTS} {name}", row, Stanza) for name, row in table.items()}
    return Run(bundle.manifest, bundle.plan, lines[0], tuple(lines[1:-1]), lines[-1], rows)


def _shaped(where: str, document: Any, kind: type[T]) -> T:
    try:
        return msgspec.convert(document, kind)
    except msgspec.ValidationError as error:
        raise BundleError("shape", f"{where} 格式不符: {error}", f"{where} is not of the right form: {error}") from None


def _files(bundle: Bundle) -> Iterator[Problem]:
    listed: Line = bundle.manifest["files"]
    there = set(bundle.names) - {layout.MANIFEST, *bundle.signature_names}
    for name in sorted(set(listed) - there | set(layout.REQUIRED) - there & set(listed)):
        yield Problem("missing-file", name, "清单中有此文件，包中没有", "the file is listed or required, but not there")
    for name in sorted(there - set(listed)):
        yield Problem("extra-file", name, "包中有此文件，清单中没有", "the file is not in the manifest")
    for name in sorted(there & set(listed)):
        if bundle.size(name) != listed[name]["size"] or bundle.digest(name) != listed[name]["sha256"]:
            yield Problem(
                "changed-file", name, "内容与清单中的 sha256 不符", "the content is not what the manifest lists"
            )


def _digests(run: Run) -> Iterator[Problem]:
    for where, document in ((layout.PLAN, run.plan), (f"{layout.RESULTS} footer", run.footer)):
        if document_digest(dict(document)) != document["digest"]:
            yield Problem("digest", where, "自带摘要与内容不符", "its own digest does not fit its content")
    if run.header["plan_digest"] != run.plan["digest"]:
        yield Problem("other-plan", layout.RESULTS, "结果属于另一个计划", "the results belong to another plan")


def _figures(run: Run) -> Iterator[Problem]:
    """What manifest, plan and header say of the same thing is the same."""
    sources = {layout.PLAN: run.plan, f"{layout.RESULTS} header": run.header, f"{layout.RESULTS} footer": run.footer}
    for where, source in sources.items():
        for name, value in run.manifest.items():
            if name in source and name not in ("kandian", "counts") and source[name] != value:
                yield Problem(
                    "differs", f"{where} {name}", f"与清单不一致: {value!r}", f"the manifest says {value!r} instead"
                )
    if run.plan["digest"] != run.manifest["plan_digest"]:
        yield Problem("differs", f"{layout.PLAN} digest", "与清单不一致", "the manifest names another plan")
    if run.manifest["narrowed"] != support.narrowed(run.plan["requirements"]):
        yield Problem("differs", f"{layout.MANIFEST} narrowed", "与计划不一致", "the plan says something else")
    counts = support.counts(run.footer["requirements"].values())
    if run.manifest["counts"] != counts:
        yield Problem("counts", layout.MANIFEST, f"判定计数应为 {counts}", f"the counts by verdict should be {counts}")


def _tests(run: Run) -> Iterator[Problem]:
    planned = {row["id"] for row in run.plan["requirements"]}
    if len(planned) != len(run.plan["requirements"]):
        yield Problem("duplicate-row", layout.PLAN, "要求重复", "a requirement stands twice")
    seen: set[str] = set()
    last = -1
    for test in run.tests:
        where = f"{layout.RESULTS} {test['id']}"
        if test["id"] in seen or test["index"] <= last:
            yield Problem("order", where, "测试重复或次序不对", "the test stands twice or out of order")
        seen.add(test["id"])
        last = test["index"]
        for name in sorted(set(test["requirements"]) - set(run.stanzas)):
            yield Problem("unknown-requirement", where, f"规范中没有 {name}", f"the spec has no {name}")
        if not planned & set(test["requirements"]):
            yield Problem("unplanned-test", where, "计划中没有此测试的要求", "the plan has no requirement of this test")
    for name in sorted(planned - set(run.stanzas)):
        yield Problem("unknown-requirement", layout.PLAN, f"规范中没有 {name}", f"the spec has no {name}")


def _verdicts(run: Run) -> Iterator[Problem]:
    """No verdict that the checks do not support."""
    for test in run.tests:
        where = f"{layout.RESULTS} {test['id']}"
        if test["verdict"] != support.worst(test["requirements"].values()):
            yield Problem(
                "unsupported-verdict", where, "测试判定不是其要求中最差者", "the verdict is not the worst of its own"
            )
        for name in sorted({check["requirement"] for check in test["checks"]} - set(test["requirements"])):
            yield Problem(
                "unsupported-verdict", where, f"检查了未列出的 {name}", f"it checks {name} without judging it"
            )
        for name, verdict in test["requirements"].items():
            if name not in run.stanzas:
                continue
            allowed = support.supported(test, name, run.stanzas[name], run.plan["proposed_violation"])
            if verdict not in allowed or (verdict == "BLOCKED" and not run.footer["blocked"]):
                words = ", ".join(sorted(allowed))
                yield Problem(
                    "unsupported-verdict",
                    where,
                    f"{name} 判为 {verdict}，而检查只支持 {words}",
                    f"{name} is {verdict}, but the checks support {words}",
                )


def _totals(run: Run) -> Iterator[Problem]:
    """The footer follows from the test lines and the plan."""
    footer, where = run.footer, f"{layout.RESULTS} footer"
    blocked = footer["blocked"] is not None
    wanted = support.requirement_verdicts(run.plan["requirements"], run.tests, blocked=blocked)
    for name in sorted(set(wanted) | set(footer["requirements"])):
        said, counted = footer["requirements"].get(name), wanted.get(name)
        if said != counted:
            yield Problem("totals", where, f"{name} 应为 {counted}，写作 {said}", f"{name} is {counted}, not {said}")
    tally = support.counts(test["verdict"] for test in run.tests)
    if footer["tests"] != len(run.tests) or footer["counts"] != tally:
        yield Problem("totals", where, "测试计数不符", f"there are {len(run.tests)} tests: {tally}")
    selected = [wanted[row["id"]] for row in run.plan["requirements"] if row["selection"] == "selected"]
    code = support.exit_code(selected, broken=bool(footer["broken"]), interrupted=footer["interrupted"])
    if code != footer["exit_code"]:
        yield Problem("totals", where, f"退出码应为 {code}", f"the exit code of these verdicts is {code}")


def _evidence(bundle: Bundle, run: Run) -> Iterator[Problem]:
    folders = {"/".join(name.split("/")[:2]) for name in bundle.below(layout.EVIDENCE)}
    for test in run.tests:
        folder = f"{layout.EVIDENCE}{test['id']}"
        wanted = test["verdict"] != "BLOCKED" and support.keeps_evidence(run.plan, test["verdict"])
        if test["evidence"] != folder or (wanted and folder not in folders):
            yield Problem("no-evidence", f"{layout.RESULTS} {test['id']}", "没有证据", "the test has no evidence")
        folders.discard(folder)
    for folder in sorted(folders):
        if not folder.startswith(_SESSION):
            yield Problem("stray-evidence", folder, "证据不属于任何测试", "the evidence belongs to no test")


def _spec(bundle: Bundle, run: Run) -> Iterator[Problem]:
    """The spec files are those that the plan was made from, and requirements.json says what they say."""
    if sum(bundle.size(name) for name in bundle.below(layout.SPEC)) > layout.MAX_SPEC:
        yield Problem("too-large", layout.SPEC, "规范文件过大", f"the spec has more than {layout.MAX_SPEC} bytes")
        return
    digest = hashlib.sha256()
    names = sorted(bundle.below(layout.SPEC), key=lambda name: Path(name).parts)
    for name in names:
        digest.update(name.removeprefix(layout.SPEC).encode() + b"\0" + bundle.read(name) + b"\0")
    if digest.hexdigest() != run.plan["spec_digest"]:
        yield Problem(
            "other-spec", layout.SPEC, "规范文件不是计划所依据的", "these are not the files the plan is made of"
        )
        return
    if spec_digest(SPECS_ROOT) == digest.hexdigest():
        wanted = stanzas(load_catalogue())
    else:
        with tempfile.TemporaryDirectory(prefix="kandian-") as folder:
            bundle.extract(layout.SPEC, Path(folder))
            try:
                wanted = stanzas(load_catalogue(Path(folder)))
            except (SourceError, UnknownName, ValueError, OSError, RecursionError) as error:
                yield Problem("unreadable-spec", layout.SPEC, f"规范无法读取: {error}", f"not readable: {error}")
                return
    if {i: asdict(s) for i, s in wanted.items()} != {i: asdict(s) for i, s in run.stanzas.items()}:
        yield Problem("other-spec", layout.REQUIREMENTS, "与规范文件不符", "does not say what the spec files say")


def _device(bundle: Bundle, run: Run) -> Iterator[Problem]:
    """One device in declaration, results and environment."""
    environment = _shaped(layout.ENVIRONMENT, bundle.document(layout.ENVIRONMENT), Environment)
    if environment.declared != run.header["device"]:
        yield Problem("other-device", layout.ENVIRONMENT, "不是结果中的设备", "not the device of the results")
    with tempfile.TemporaryDirectory(prefix="kandian-") as folder:
        path = Path(folder) / layout.DECLARATION
        path.write_bytes(bundle.read(layout.DECLARATION))
        try:
            data = read_yaml(path).data
        except (SourceError, OSError, RecursionError) as error:
            yield Problem("shape", layout.DECLARATION, f"无法读取: {error}", f"not readable: {error}")
            return
    device = data.get("device") if isinstance(data, dict) else None
    if not isinstance(device, dict) or device.get("dev_id") != run.header["device"].get("dev_id"):
        yield Problem("other-device", layout.DECLARATION, "不是结果中的设备", "not the device of the results")
