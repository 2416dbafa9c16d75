"""Configurations of buckets: lifecycle and CORS documents, and policies in the words of a dialect."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

from conformance.protocols.s3_xml import NAMESPACE, children, local, read, text
from specs.dialects import PolicyVocabulary


@dataclass(frozen=True, slots=True)
class LifecycleRule:
    """One rule. ``days`` until objects expire, ``abort_days`` until unfinished uploads are cleaned; 0: not told."""

    id: str
    prefix: str
    days: int = 0
    abort_days: int = 0
    enabled: bool = True


def lifecycle_body(rules: Iterable[LifecycleRule]) -> bytes:
    """LifecycleConfiguration, with the prefix directly in its rule: every dialect knows this form."""
    return _document("LifecycleConfiguration", "".join(_rule(rule) for rule in rules))


def _rule(rule: LifecycleRule) -> str:
    status = "Enabled" if rule.enabled else "Disabled"
    parts = [f"<ID>{escape(rule.id)}</ID><Prefix>{escape(rule.prefix)}</Prefix><Status>{status}</Status>"]
    if rule.days or not rule.abort_days:
        parts.append(f"<Expiration><Days>{rule.days}</Days></Expiration>")
    if rule.abort_days:
        days = f"<DaysAfterInitiation>{rule.abort_days}</DaysAfterInitiation>"
        parts.append(f"<AbortIncompleteMultipartUpload>{days}</AbortIncompleteMultipartUpload>")
    return f"<Rule>{''.join(parts)}</Rule>"


def read_lifecycle(data: bytes) -> dict[str, LifecycleRule] | None:
    """Rules by id, the prefix directly or in a filter; None for anything else."""
    root = read(data)
    if root is None or local(root.name) != "LifecycleConfiguration":
        return None
    found = {}
    for element in children(root, "Rule"):
        filters = children(element, "Filter")
        prefix = text(filters[0], "Prefix") if filters else text(element, "Prefix")
        expiry = children(element, "Expiration")
        cleaning = children(element, "AbortIncompleteMultipartUpload")
        rule = LifecycleRule(
            text(element, "ID"),
            prefix,
            _number(text(expiry[0], "Days")) if expiry else 0,
            _number(text(cleaning[0], "DaysAfterInitiation")) if cleaning else 0,
            text(element, "Status") == "Enabled",
        )
        found[rule.id] = rule
    return found


def _number(found: str) -> int:
    return int(found) if found.isdecimal() and found.isascii() else -1


def cors_body(origin: str, methods: Iterable[str]) -> bytes:
    """CORSConfiguration of one rule for an origin."""
    allowed = "".join(f"<AllowedMethod>{method}</AllowedMethod>" for method in methods)
    rule = f"<AllowedOrigin>{escape(origin)}</AllowedOrigin>{allowed}<AllowedHeader>*</AllowedHeader>"
    return _document("CORSConfiguration", f"<CORSRule>{rule}<ExposeHeader>ETag</ExposeHeader></CORSRule>")


def _document(name: str, inner: str) -> bytes:
    return f'<{name} xmlns="{NAMESPACE}">{inner}</{name}>'.encode()


def statement(
    words: PolicyVocabulary,
    actions: Sequence[str],
    resource: str,
    *,
    principal: str = "*",
    referers: Sequence[str] = (),
    effect: str = "Allow",
) -> dict[str, Any]:
    """One statement of a policy. ``resource``: ``bucket`` or ``bucket/pattern``; ``referers``: patterns."""
    found: dict[str, Any] = {
        "Sid": "kandian",
        "Effect": effect,
        "Principal": {words.principal: [principal]},
        "Action": [words.action + action for action in actions],
        "Resource": [words.resource + resource],
    }
    if referers:
        found["Condition"] = {"StringLike": {words.referer: list(referers)}}
    return found


def policy_body(*statements: dict[str, Any]) -> bytes:
    """A policy document."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)}).encode()
