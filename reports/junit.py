"""JUnit XML (xunit1 as Jenkins and GitLab read it) from the result lines."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from reports.results import Results

_FAILURES = {"FAIL": "failure", "ERROR": "error", "INCONCLUSIVE": "failure", "BLOCKED": "error"}


def write_junit(results: Results, path: Path) -> None:
    """One test case a test; verdict and requirement verdicts are properties. Raises OSError."""
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
    for test, tag in zip(results.tests, tags, strict=True):
        classname, _, name = test["id"].partition(".")
        case = ElementTree.SubElement(
            suite, "testcase", classname=f"kandian.{classname}", name=name or classname, time=f"{test['duration']:.3f}"
        )
        properties = ElementTree.SubElement(case, "properties")
        rows = {"verdict": test["verdict"], **{f"requirement.{i}": v for i, v in test["requirements"].items()}}
        for key, value in rows.items():
            ElementTree.SubElement(properties, "property", name=key, value=value)
        reason = _printable(f"{test['reason']['zh']}\n{test['reason']['en']}".strip())
        if tag:
            node = ElementTree.SubElement(case, tag, message=_printable(test["reason"]["en"]), type=test["verdict"])
            node.text = reason
        elif test["verdict"] == "NOT_APPLICABLE":
            ElementTree.SubElement(case, "skipped", message=_printable(test["reason"]["en"]))
        elif reason:
            ElementTree.SubElement(case, "system-out").text = reason
    root = ElementTree.Element("testsuites")
    root.append(suite)
    ElementTree.indent(root)
    ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _printable(text: str) -> str:
    """Without characters that XML 1.0 cannot hold."""
    return "".join(c if c in "\t\n" or 0x20 <= ord(c) <= 0xD7FF or 0xE000 <= ord(c) <= 0xFFFD else "�" for c in text)
