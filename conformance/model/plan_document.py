"""The test plan as a document for people (TST-04): set-up, tools, network, evidence, pass and retest rule, every test.

Everything in it comes from the specs, the profile, the declaration and the plan that is run and hashed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from conformance.model.plan import Plan, PlannedRequirement
from conformance.model.verdict import CERTIFYING, Verdict, violation_verdict
from specs.declaration import LoadedDeclaration
from specs.loader import Catalogue
from specs.model import Requirement, Text

#: The requirement that names the worst network under which the figures have to hold.
NETWORK = "BIZ-KPI-08"
IMPAIRMENTS = ("latency", "jitter", "loss")
LEVELS = (("MUST", "ratified"), ("MUST", "proposed"), ("SHOULD", "ratified"), ("MAY", "ratified"))

WORDS = {
    "title": Text("测试方案", "Test plan"),
    "setup": Text("1 对象与环境", "1 Subject and set-up"),
    "tools": Text("2 工具与版本", "2 Tools and versions"),
    "network": Text("3 网络条件", "3 Network profile"),
    "evidence": Text("4 证据", "4 Evidence"),
    "pass": Text("5 判定规则", "5 Pass rule"),
    "retest": Text("6 复测规则", "6 Retest rule"),
    "tests": Text("7 测试", "7 Tests"),
    "others": Text("8 不测试的要求及原因", "8 What is not tested, and why"),
    "device": Text("被测对象", "Under test"),
    "profile": Text("认证档", "Profile"),
    "edition": Text("规范版本", "Edition"),
    "spec": Text("规范摘要 sha256", "Spec sha256"),
    "declaration": Text("声明摘要 sha256", "Declaration sha256"),
    "plan": Text("计划摘要 sha256", "Plan sha256"),
    "scale": Text("长定时缩放", "Scale of long timers"),
    "bench": Text("测试台监听", "The bench listens"),
    "any": Text("任意空闲端口", "any free port"),
    "controls": Text("可用的测试控制", "Controls of the bench"),
    "none": Text("无", "none"),
    "needs": Text("需要", "Needs"),
    "limits": Text("限值", "Limits"),
    "steps": Text("步骤", "Steps"),
    "expected": Text("预期", "Expected"),
    "violated": Text("违反时", "When violated"),
    "destructive": Text("可能损害设备，仅在允许时运行", "may harm the device; runs only when that is allowed"),
}
NETWORK_RULE = Text(
    "测试经测试台与被测对象之间现有的网络进行；每项指标随样本量、百分位与当时的网络条件一并报告。业务仍应满足指标的最差条件（{id}）如下，"
    "可用 `python -m conformance.peers.network_profile` 在该条件下运行：",
    "Tests run over the network between bench and subject as it is. Every figure is reported with sample size, "
    "percentile and the network that it was measured over. The worst network in which the service "
    "should still meet its figures ({id}), under which `python -m conformance.peers.network_profile` runs the tests:",
)
EVIDENCE_RULE = {
    "all": Text("保留每项测试的报文记录", "The traffic of every test is kept"),
    "findings": Text("保留有发现的测试的报文记录", "The traffic of tests with findings is kept"),
}
BUDGET = Text("，上限 {budget} MB。", ", {budget} MB at most.")
NO_BUDGET = Text("，不限大小。", ", of any size.")
PASS_RULE = Text(
    "否定测试带对照步骤，对照不成立时为 INCONCLUSIVE。全部选定要求的结论均在 {good} 之内即为符合。",
    "Negative tests have a control leg; where it does not hold the verdict is INCONCLUSIVE. The subject conforms when "
    "the verdict of every selected requirement is one of {good}.",
)
RETEST_RULE = Text(
    "- 查找原因时可用 `--lf` 只重复上次未通过的测试，其结果不能代替完整的一次运行。\n"
    "- 固件、配置或声明有任何改动后，整个认证档重新运行；计划摘要随声明改变。\n"
    "- BLOCKED 与 INCONCLUSIVE 不是不符合：排除环境原因后重新运行。\n"
    "- 由记录重判（`kandian rejudge`）得不到相同结论的测试，须对设备重新运行。",
    "- While a cause is sought, `--lf` repeats only what did not pass; that does not take the place of one whole run.\n"
    "- After any change of firmware, configuration or declaration the whole profile runs again; the digest of the plan "
    "changes with the declaration.\n"
    "- BLOCKED and INCONCLUSIVE are no failures: put the set-up right and run again.\n"
    "- A test that gets another verdict when it is judged again from the tape (`kandian rejudge`) runs on the device "
    "again.",
)


def plan_document(
    catalogue: Catalogue, plan: Plan, loaded: LoadedDeclaration, tools: Mapping[str, str], language: str
) -> str:
    """The plan as Markdown in ``zh`` or ``en``. ``tools``: version by name."""
    return "\n".join(_Writer(catalogue, plan, loaded, language).lines(tools)) + "\n"


class _Writer:
    def __init__(self, catalogue: Catalogue, plan: Plan, loaded: LoadedDeclaration, language: str) -> None:
        self.catalogue, self.plan, self.loaded, self.language = catalogue, plan, loaded, language

    def word(self, name: str) -> str:
        return WORDS[name].get(self.language)

    def heading(self, name: str) -> list[str]:
        return ["", f"## {self.word(name)}", ""]

    def lines(self, tools: Mapping[str, str]) -> Iterator[str]:
        yield f"# {self.word('title')}"
        yield from self.heading("setup")
        yield from self.setup()
        yield from self.heading("tools")
        yield from (f"- {name} {version}" for name, version in tools.items())
        yield from self.heading("network")
        yield from self.network()
        yield from self.heading("evidence")
        policy = self.plan.profile.evidence
        size = (BUDGET if policy.budget else NO_BUDGET).get(self.language).format(budget=policy.budget)
        yield EVIDENCE_RULE[policy.keep].get(self.language) + size
        yield from self.heading("pass")
        yield from self.pass_rule()
        yield from self.heading("retest")
        yield RETEST_RULE.get(self.language)
        yield from self.heading("tests")
        rows = [row for row in self.plan.rows if row.selection == "selected"]
        for row in rows:
            yield from self.test(self.catalogue.requirement(row.id))
        yield from self.heading("others")
        yield from (self.other(row) for row in self.plan.rows if row.selection != "selected")

    def setup(self) -> Iterator[str]:
        declaration, document = self.loaded.declaration, self.plan.document()
        device = declaration.device
        named = " ".join(filter(None, (device.manufacturer, device.model, device.version, device.dev_id)))
        yield f"- {self.word('device')}: {named} ({self.plan.profile.role})"
        yield f"- {self.word('profile')}: {self.plan.profile.id}, {self.plan.profile.title.get(self.language)}"
        yield f"- {self.word('edition')}: {self.plan.edition}"
        for name, digest in (("spec", "spec_digest"), ("declaration", "declaration_digest"), ("plan", "digest")):
            yield f"- {self.word(name)}: `{document[digest]}`"
        yield f"- {self.word('scale')}: {self.plan.scale:g}"
        bench = msgspec.to_builtins(declaration.bench)
        hosts = ", ".join(bench[name] for name in ("host", "second_host") if bench[name])
        ports = (f"{name} {port or self.word('any')}" for name, port in bench.items() if name.endswith("_port"))
        yield f"- {self.word('bench')}: {hosts}; {', '.join(ports)}"
        controls = ", ".join(sorted(declaration.controls.available)) or self.word("none")
        yield f"- {self.word('controls')}: {controls}"

    def network(self) -> Iterator[str]:
        yield NETWORK_RULE.get(self.language).format(id=NETWORK)
        yield ""
        limits = self.catalogue.requirement(NETWORK).limits
        yield from (f"- {name} {limits[name]}" for name in IMPAIRMENTS)

    def pass_rule(self) -> Iterator[str]:
        for level, status in LEVELS:
            verdict = violation_verdict(level, status, self.plan.profile.proposed_violation)
            yield f"- {level} ({status}): {self.word('violated')} {verdict}"
        good = ", ".join(verdict for verdict in Verdict if verdict in CERTIFYING)
        yield ""
        yield PASS_RULE.get(self.language).format(good=good)

    def test(self, requirement: Requirement) -> Iterator[str]:
        yield f"### {requirement.id} {requirement.title.get(self.language)}"
        yield ""
        verdict = violation_verdict(requirement.level, requirement.status, self.plan.profile.proposed_violation)
        rule = f"{requirement.level}, {requirement.status}, rev {requirement.rev}"
        yield f"- {rule}; {self.word('violated')}: {verdict}"
        yield f"- {self.word('expected')}: {requirement.text.get(self.language)}"
        if requirement.limits:
            scale = self.plan.scale
            told = "; ".join(f"{name} {limit.scaled(scale)}" for name, limit in requirement.limits.items())
            yield f"- {self.word('limits')}: {told}"
        if requirement.needs:
            yield f"- {self.word('needs')}: {', '.join(requirement.needs)}"
        if requirement.destructive:
            yield f"- {self.word('destructive')}"
        yield f"- {self.word('steps')}:"
        yield from (f"  - {step.id}: {step.zh if self.language == 'zh' else step.en}" for step in requirement.procedure)
        yield ""

    def other(self, row: PlannedRequirement) -> str:
        title = self.catalogue.requirement(row.id).title.get(self.language)
        return f"- {row.id} {title}: {row.selection}; {row.reason.get(self.language)}"
