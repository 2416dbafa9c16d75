"""Lifecycle rules: objects expire, abandoned uploads are cleaned (S3 API, Lifecycle; OOS 10026693/10027305).

An object expires its number of days after it was written, on the retention clock, which a test bench may move.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from conformance.protocols import s3_xml
from conformance.protocols.safe_xml import XmlElement
from simulators.cloud_storage.configuration import Configuration, only, root_of
from simulators.cloud_storage.exchange import Asked, http_date
from simulators.cloud_storage.faults import Fault, xml_text

if TYPE_CHECKING:
    from simulators.cloud_storage.storage import CloudStorage

SECONDS_PER_DAY = 86400.0
LONGEST_ID = 255
AT_ONCE = 200
LONGEST_PAUSE = 60.0
_DOCUMENT = frozenset({"Rule"})
_RULE = frozenset({"ID", "Prefix", "Filter", "Status", "Expiration", "AbortIncompleteMultipartUpload"})
_TOO_MUCH = frozenset({"Transition", "NoncurrentVersionExpiration", "NoncurrentVersionTransition"})


class Rule(msgspec.Struct, frozen=True):
    """One rule. ``days``, ``date`` (Unix seconds) and ``abort_days`` are 0 where the rule does not have them;
    ``filtered``: the prefix stood in a Filter."""

    id: str
    prefix: str
    enabled: bool
    days: int = 0
    date: float = 0.0
    abort_days: int = 0
    filtered: bool = True


@dataclass(frozen=True, slots=True)
class Swept:
    """What one run has removed."""

    objects: int
    uploads: int


class Lifecycle(Configuration):
    """The rules of buckets, and carrying them out."""

    kind = "lifecycle"
    missing = "NoSuchLifecycleConfiguration"

    def __init__(self, storage: CloudStorage) -> None:
        super().__init__(storage)
        self.day = storage.declared.seconds_per_day or SECONDS_PER_DAY

    def checked(self, asked: Asked, body: bytes) -> bytes:
        """The document that tells these rules again. Raises Fault."""
        rules = self.read(body)
        self.check_rules(rules)
        return document_of(rules)

    def read(self, body: bytes) -> list[Rule]:
        """The rules of a document. Raises Fault."""
        root = root_of(body, "LifecycleConfiguration")
        only(root, _DOCUMENT)
        rules = [self.rule(element) for element in s3_xml.children(root, "Rule")]
        if not 0 < len(rules) <= self.storage.dialect.lifecycle.rules:
            raise Fault("MalformedXML")
        return rules

    def rule(self, element: XmlElement) -> Rule:
        """One rule. Raises Fault."""
        if any(s3_xml.local(child.name) in _TOO_MUCH for child in element.children):
            raise Fault("NotImplemented", "Only expiry and the cleaning of uploads are implemented")
        only(element, _RULE)
        status = s3_xml.text(element, "Status")
        if status not in ("Enabled", "Disabled"):
            raise Fault("MalformedXML")
        days, date = _expiration(element)
        aborts = s3_xml.children(element, "AbortIncompleteMultipartUpload")
        abort_days = _days(s3_xml.text(aborts[0], "DaysAfterInitiation")) if aborts else 0
        if not (days or date or abort_days):
            raise Fault("MalformedXML", "A rule has to do something")
        prefix, filtered = _prefix(element)
        name = s3_xml.text(element, "ID")
        if len(name) > LONGEST_ID:
            raise Fault("InvalidArgument", f"ID length should not exceed {LONGEST_ID}")
        return Rule(name or uuid.uuid4().hex, prefix, status == "Enabled", days, date, abort_days, filtered)

    def check_rules(self, rules: list[Rule]) -> None:
        """What rules may not be together. Raises Fault."""
        if len({rule.id for rule in rules}) < len(rules):
            raise Fault("InvalidArgument", "Rule ID must be unique. Found same ID for more than one rule")
        if self.storage.dialect.lifecycle.overlap:
            return
        for kind in ("expires", "abort_days"):
            prefixes = sorted(r.prefix for r in rules if (r.days or r.date if kind == "expires" else r.abort_days))
            for before, after in itertools.pairwise(prefixes):
                if after.startswith(before):
                    raise Fault("InvalidRequest", f"Found overlapping prefixes {before!r} and {after!r}")

    def rules(self, bucket: str) -> list[Rule]:
        """The rules in force."""
        body = self.disk.setting(bucket, self.kind)
        return [rule for rule in self.read(body) if rule.enabled] if body else []

    def expiry(self, rule: Rule, born: float) -> float:
        """When an object under a rule expires."""
        return rule.date or born + rule.days * self.day

    def announcement(self, bucket: str, key: str, born: float) -> str:
        """What x-amz-expiration says of an object, empty for nothing."""
        found = [
            (self.expiry(rule, born), rule.id)
            for rule in self.rules(bucket)
            if (rule.days or rule.date) and key.startswith(rule.prefix)
        ]
        if not found:
            return ""
        at, name = min(found)
        return f'expiry-date="{http_date(at)}", rule-id="{xml_text(name)}"'

    def due(self, rule: Rule, now: float) -> float:
        """Objects born until then are expired; below every time for none."""
        if rule.date:
            return now if now >= rule.date else float("-inf")
        return now - rule.days * self.day if rule.days else float("-inf")

    async def run(self) -> Swept:
        """Carry out every rule once."""
        objects = uploads = 0
        for bucket, _ in self.disk.settings(self.kind):
            for rule in self.rules(bucket):
                objects += await self.expire(bucket, rule)
                uploads += self.clean(bucket, rule)
        return Swept(objects, uploads)

    async def expire(self, bucket: str, rule: Rule) -> int:
        """Remove what has expired under a rule."""
        removed = 0
        until = self.due(rule, self.storage.retention_now())
        while found := self.disk.born_until(bucket, rule.prefix, until, AT_ONCE):
            with self.disk.transaction():
                for one in found:
                    self.disk.remove(bucket, one.key)
                    self.storage.note("", "EXPIRE.OBJECT", bucket, one.key)
            removed += len(found)
            await asyncio.sleep(0)
            if len(found) < AT_ONCE:
                break
        return removed

    def clean(self, bucket: str, rule: Rule) -> int:
        """Remove abandoned uploads under a rule."""
        if not rule.abort_days:
            return 0
        until = self.storage.retention_now() - rule.abort_days * self.day
        found = [u for u in self.disk.uploads(bucket) if u.born <= until and u.key.startswith(rule.prefix)]
        for upload in found:
            self.disk.remove_upload(upload.id)
        return len(found)

    async def keep_running(self) -> None:
        """Run again and again, well within the declared delay."""
        delay = self.storage.declared.lifecycle_delay or LONGEST_PAUSE
        while True:
            await asyncio.sleep(min(delay / 4, LONGEST_PAUSE))
            await self.run()


def document_of(rules: list[Rule]) -> bytes:
    """LifecycleConfiguration."""
    inner = "".join(f"<Rule>{''.join(_elements(rule))}</Rule>" for rule in rules)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<LifecycleConfiguration xmlns="{s3_xml.NAMESPACE}">{inner}'
        "</LifecycleConfiguration>"
    ).encode()


def _elements(rule: Rule) -> Iterator[str]:
    yield f"<ID>{xml_text(rule.id)}</ID>"
    prefix = f"<Prefix>{xml_text(rule.prefix)}</Prefix>"
    yield f"<Filter>{prefix}</Filter>" if rule.filtered else prefix
    yield f"<Status>{'Enabled' if rule.enabled else 'Disabled'}</Status>"
    if rule.days:
        yield f"<Expiration><Days>{rule.days}</Days></Expiration>"
    if rule.date:
        day = dt.datetime.fromtimestamp(rule.date, dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        yield f"<Expiration><Date>{day}</Date></Expiration>"
    if rule.abort_days:
        days = f"<DaysAfterInitiation>{rule.abort_days}</DaysAfterInitiation>"
        yield f"<AbortIncompleteMultipartUpload>{days}</AbortIncompleteMultipartUpload>"


def _prefix(element: XmlElement) -> tuple[str, bool]:
    filters, plain = s3_xml.children(element, "Filter"), s3_xml.children(element, "Prefix")
    if len(filters) + len(plain) != 1:
        raise Fault("MalformedXML", "A rule has one Filter or one Prefix")
    if plain:
        return plain[0].text, False
    if any(s3_xml.local(child.name) != "Prefix" for child in filters[0].children):
        raise Fault("NotImplemented", "Only filters by prefix are implemented")
    return s3_xml.text(filters[0], "Prefix"), True


def _expiration(element: XmlElement) -> tuple[int, float]:
    found = s3_xml.children(element, "Expiration")
    if not found:
        return 0, 0.0
    days, date = s3_xml.text(found[0], "Days"), s3_xml.text(found[0], "Date")
    if len(found) > 1 or bool(days) == bool(date):
        raise Fault("MalformedXML")
    return (_days(days), 0.0) if days else (0, _midnight(date))


def _days(text: str) -> int:
    if not text.strip().lstrip("-").isdecimal():
        raise Fault("MalformedXML")
    if int(text) <= 0:
        raise Fault("InvalidArgument", "'Days' must be a positive integer")
    return int(text)


def _midnight(text: str) -> float:
    try:
        at = dt.datetime.fromisoformat(text.strip())
    except ValueError:
        raise Fault("MalformedXML") from None
    at = at.replace(tzinfo=at.tzinfo or dt.UTC)
    if at.timestamp() % SECONDS_PER_DAY:
        raise Fault("InvalidArgument", "'Date' must be at midnight GMT")
    return at.timestamp()
