"""JUnit XML (xunit1 as Jenkins and GitLab read it) from the result lines."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from reports.results import Results

_FAILURES = {"FAIL": "failure", "ERROR": "error", "INCONCLUSIVE": "failure", "BLOCKED": "error"}


def write_junit(results: Results, path: Path) -> None:
    """One test case a test; the verdicts of the requirements are properties of the suite. Raises OSError."""
    tags = [_FAILURES.get(test["verdict"], "") for test in results.tests]
    skipped = sum(test["verdict"] == "NOT_APPLICABLE" for test in results.tests)
    suite = ElementTree.Element(
        "testsuite",
        name=f"kandian.{results.header['profile']}",
        tests=str(len(tags)),
        failures=str(tags.count("failure")),
        errors=str(tags.count("error")),
        skipped=str(skipped),
        time=f"{sum(test['duration'] for test in results.tests):.3f}",
        timestamp=results.header["started"],
    )
    properties = ElementTree.SubElement(suite, "properties")
    for requirement_id, verdict in results.selected.items():
        ElementTree.SubElement(properties, "property", name=f"requirement.{requirement_id}", value=verdict)
    for test, tag in zip(results.tests, tags, strict=True):
        _case(suite, test, tag)
    root = ElementTree.Element("testsuites")
    root.append(suite)
    ElementTree.indent(root)
    ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _case(suite: ElementTree.Element, test: dict[str, Any], tag: str) -> None:
    """One test case. The published schemas know no properties of a case, so its verdicts stand in ``system-out``."""
    classname, _, name = test["id"].partition(".")
    case = ElementTree.SubElement(
        suite, "testcase", classname=f"kandian.{classname}", name=name or classname, time=f"{test['duration']:.3f}"
    )
    message, reason = (_printable(text) for text in (test["reason"]["en"], "\n".join(test["reason"].values()).strip()))
    if tag:
        ElementTree.SubElement(case, tag, message=message, type=test["verdict"]).text = reason
    elif test["verdict"] == "NOT_APPLICABLE":
        ElementTree.SubElement(case, "skipped", message=message)
    rows = {"verdict": test["verdict"], **{f"requirement.{i}": v for i, v in test["requirements"].items()}}
    lines = [f"{name}={value}" for name, value in rows.items()]
    ElementTree.SubElement(case, "system-out").text = "\n".join([*lines, *([reason] if reason and not tag else [])])


def _printable(text: str) -> str:
    """Without characters that XML 1.0 cannot hold."""
    return "".join(c if c in "\t\n" or 0x20 <= ord(c) <= 0xD7FF or 0xE000 <= ord(c) <= 0xFFFD else "�" for c in text)
