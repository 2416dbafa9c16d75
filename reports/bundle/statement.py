"""What is signed: in-toto Statements about the manifest of a bundle.

Two beside each other: our own predicate with the verdict of every planned requirement, and the standard test-result
for tools that know nothing of us. The subject of both is manifest.json, which in turn names every file.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from reports.bundle import layout
from reports.bundle.dsse import seal
from reports.bundle.keys import PrivateKey
from reports.bundle.layout import canonical_json, json_line

STATEMENT = "https://in-toto.io/Statement/v1"
VERDICTS = "urn:x-kandian:requirement-verdicts:v1"
TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"

#: Fields of the manifest that the predicate repeats, so that it can be read alone.
REPEATED = (
    "device",
    "edition",
    "profile",
    "plan_digest",
    "spec_digest",
    "timer_scale",
    "narrowed",
    "counts",
    "tests",
    "exit_code",
)

#: What a signature of each role makes of a bundle. Only a lab or the carrier issues a certificate.
KINDS = {
    "vendor": ("厂商预测试报告", "vendor pre-test"),
    "lab": ("实验室认证证书", "lab certificate"),
    "carrier": ("运营商认证证书", "carrier certificate"),
}


def kind_words(role: str, about: Mapping[str, Any], language: str) -> str:
    """What a bundle signed in this role may be called. ``about``: its manifest or predicate. A run that failed, was
    compressed or narrowed is a report, whoever signs."""
    zh, en = KINDS[role]
    if role != "vendor" and (about["exit_code"] != 0 or about["timer_scale"] < 1.0 or about["narrowed"]):
        zh, en = zh.replace("认证证书", "测试报告（非证书）"), en.replace("certificate", "test report")
    return zh if language == "zh" else en


def verdict_statement(
    bundle: Mapping[str, Any], manifest_digest: str, role: str, signed_at: datetime
) -> dict[str, Any]:
    """Our predicate (schema specs/schema/statement.schema.json). ``bundle``: manifest, plan and footer by name."""
    manifest, plan, footer = bundle["manifest"], bundle["plan"], bundle["footer"]
    verdicts = footer["requirements"]
    predicate = {
        "role": role,
        "kind": kind_words(role, manifest, "en"),
        "signedAt": signed_at.isoformat(timespec="seconds"),
        **{name: manifest[name] for name in REPEATED},
        "requirements": [
            {"id": row["id"], "selection": row["selection"], "verdict": verdicts[row["id"]]}
            for row in plan["requirements"]
        ],
    }
    return _statement(VERDICTS, predicate, manifest_digest)


def test_result(bundle: Mapping[str, Any], manifest_digest: str) -> dict[str, Any]:
    """The standard predicate: requirements that passed, warned and did not pass. Untested ones stand nowhere."""
    verdicts = bundle["footer"]["requirements"]
    by_list = {name: sorted(i for i, v in verdicts.items() if v in kinds) for name, kinds in _LISTS.items()}
    code = bundle["manifest"]["exit_code"]
    result = "FAILED" if code else "WARNED" if by_list["warnedTests"] else "PASSED"
    configuration = [
        {"name": layout.PLAN, "digest": {"sha256": bundle["manifest"]["files"][layout.PLAN]["sha256"]}},
        {"name": layout.DECLARATION, "digest": {"sha256": bundle["manifest"]["files"][layout.DECLARATION]["sha256"]}},
    ]
    return _statement(TEST_RESULT, {"result": result, "configuration": configuration, **by_list}, manifest_digest)


_LISTS = {
    "passedTests": ("PASS",),
    "warnedTests": ("WARN", "WAIVED"),
    "failedTests": ("FAIL", "ERROR", "INCONCLUSIVE", "BLOCKED"),
}


def _statement(kind: str, predicate: Mapping[str, Any], manifest_digest: str) -> dict[str, Any]:
    return {
        "_type": STATEMENT,
        "subject": [{"name": layout.MANIFEST, "digest": {"sha256": manifest_digest}}],
        "predicateType": kind,
        "predicate": predicate,
    }


def envelopes(bundle: Mapping[str, Any], manifest_digest: str, key: PrivateKey, now: datetime) -> dict[str, bytes]:
    """The files that a signature adds to a bundle: both envelopes, by name."""
    stem = f"{layout.SIGNATURES}{key.keyid[:16]}."
    statements = {
        "requirement-verdicts": verdict_statement(bundle, manifest_digest, key.public.role, now),
        "test-result": test_result(bundle, manifest_digest),
    }
    return {f"{stem}{n}.dsse.json": json_line(seal(canonical_json(s), key)) for n, s in statements.items()}
