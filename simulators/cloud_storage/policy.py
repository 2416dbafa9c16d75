"""Bucket policies: reading, and deciding who may do what (S3 API, Bucket policies; OOS 10026693/10027252)."""

from __future__ import annotations

import fnmatch
import ipaddress
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from simulators.cloud_storage.configuration import Configuration
from simulators.cloud_storage.exchange import Asked
from simulators.cloud_storage.faults import Fault
from specs.dialects import Dialect, PolicyVocabulary, load_dialects

if TYPE_CHECKING:
    from simulators.cloud_storage.storage import CloudStorage

LARGEST = 20 << 10
_TOP = {"Version", "Id", "Statement"}
_STATEMENT = {
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
}
Facts = Mapping[str, str | None]
Test = Callable[[str, str], bool]


@dataclass(frozen=True, slots=True)
class Operator:
    """A condition operator. ``negative``: it holds when no value fits, and for a key that is not there."""

    fits: Test
    negative: bool = False


def like(pattern: str, value: str) -> bool:
    """``*`` and ``?``, nothing else."""
    return fnmatch.fnmatchcase(value, pattern.replace("[", "[[]"))


def _in_network(network: str, value: str) -> bool:
    try:
        return ipaddress.ip_address(value) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False


def _same(wanted: str, value: str) -> bool:
    return wanted == value


def _same_folded(wanted: str, value: str) -> bool:
    return wanted.casefold() == value.casefold()


OPERATORS = {
    "StringEquals": Operator(_same),
    "StringNotEquals": Operator(_same, negative=True),
    "StringEqualsIgnoreCase": Operator(_same_folded),
    "StringNotEqualsIgnoreCase": Operator(_same_folded, negative=True),
    "StringLike": Operator(like),
    "StringNotLike": Operator(like, negative=True),
    "IpAddress": Operator(_in_network),
    "NotIpAddress": Operator(_in_network, negative=True),
    "Bool": Operator(_same_folded),
}
NAMES = ("Referer", "SourceIp", "UserAgent", "SecureTransport", "prefix")


class Policies(Configuration):
    """The policies of buckets."""

    kind = "policy"
    missing = "NoSuchBucketPolicy"
    content_type = "application/json"
    put_status = 204

    def __init__(self, storage: CloudStorage) -> None:
        super().__init__(storage)
        self.words = vocabularies(storage.dialect)

    def checked(self, asked: Asked, body: bytes) -> bytes:
        """The policy as it was sent. Raises Fault."""
        try:
            policy = json.loads(body)
        except (ValueError, RecursionError):
            raise Fault("MalformedPolicy", "Policies must be valid JSON and the first byte must be '{'") from None
        if len(body) > LARGEST or not isinstance(policy, dict) or not set(policy) <= _TOP:
            raise Fault("MalformedPolicy")
        statements = _listed(policy.get("Statement"))
        if not statements:
            raise Fault("MalformedPolicy", "Missing required field Statement")
        for statement in statements:
            self.check_statement(statement, asked.bucket)
        return body

    def check_statement(self, statement: Any, bucket: str) -> None:
        """One statement. Raises Fault."""
        if not isinstance(statement, dict) or not set(statement) <= _STATEMENT:
            raise Fault("MalformedPolicy")
        if statement.get("Effect") not in ("Allow", "Deny"):
            raise Fault("MalformedPolicy", "Effect has to be Allow or Deny")
        for name in ("Principal", "Action", "Resource"):
            if (name in statement) == (f"Not{name}" in statement):
                raise Fault("MalformedPolicy", f"Exactly one of {name} and Not{name} is required")
        self.check_principal(statement.get("Principal", statement.get("NotPrincipal")))
        actions = _listed(statement.get("Action", statement.get("NotAction")))
        if not actions or not all(self.is_action(action) for action in actions):
            raise Fault("MalformedPolicy", "Policy has invalid action")
        resources = _listed(statement.get("Resource", statement.get("NotResource")))
        if not resources or not all(self.is_resource(resource, bucket) for resource in resources):
            raise Fault("MalformedPolicy", "Policy has invalid resource")
        self.check_conditions(statement.get("Condition", {}))

    def check_principal(self, principal: Any) -> None:
        """``*``, or names by one of the words for them. Raises Fault."""
        if principal == "*":
            return
        known = {words.principal for words in self.words}
        if not isinstance(principal, dict) or not principal or not set(principal) <= known:
            raise Fault("MalformedPolicy", "Invalid principal in policy")
        if not all(_listed(names) and all(isinstance(n, str) for n in _listed(names)) for names in principal.values()):
            raise Fault("MalformedPolicy", "Invalid principal in policy")

    def is_action(self, action: Any) -> bool:
        """``*`` or a name behind one of the prefixes."""
        if not isinstance(action, str):
            return False
        return action == "*" or any(action.startswith(words.action) and action != words.action for words in self.words)

    def is_resource(self, resource: Any, bucket: str) -> bool:
        """Something in this very bucket."""
        if not isinstance(resource, str):
            return False
        for words in self.words:
            if resource.startswith(words.resource):
                return like(resource.removeprefix(words.resource).partition("/")[0], bucket)
        return resource == "*"

    def check_conditions(self, conditions: Any) -> None:
        """Known operators, keys, and texts. Raises Fault."""
        if not isinstance(conditions, dict):
            raise Fault("MalformedPolicy")
        for operator, keys in conditions.items():
            if operator.removesuffix("IfExists") not in OPERATORS or not isinstance(keys, dict) or not keys:
                raise Fault("MalformedPolicy", f"Invalid Condition type: {operator}")
            for key, values in keys.items():
                if self.fact_name(key) is None or not _listed(values):
                    raise Fault("MalformedPolicy", f"Policy has an invalid condition key: {key}")
                if operator.endswith("IpAddress") and not all(_is_network(value) for value in _listed(values)):
                    raise Fault("MalformedPolicy", f"Invalid address in condition {key}")

    def fact_name(self, key: str) -> str | None:
        """What a condition key asks about; None for one that is not known."""
        prefix, _, name = key.lower().partition(":")
        known = {words.referer.partition(":")[0].lower() for words in self.words}
        known |= {words.action.removesuffix(":").lower() for words in self.words}
        return next((n for n in NAMES if n.lower() == name), None) if prefix in known else None

    # deciding

    def decide(self, asked: Asked, action: str, bucket: str, key: str) -> bool | None:
        """False where a statement denies, True where one allows, None where the policy says nothing."""
        body = self.disk.setting(bucket, self.kind)
        if body is None:
            return None
        facts = self.facts(asked)
        effects = {
            statement["Effect"]
            for statement in _statements(body)
            if self.applies(statement, asked.identity.account, action, bucket, key, facts)
        }
        return False if "Deny" in effects else True if "Allow" in effects else None

    def facts(self, asked: Asked) -> Facts:
        """What conditions may ask about; None for what is not there."""
        peer = asked.received.transport.get_extra_info("peername") if asked.received.transport else None
        return {
            "Referer": asked.header("referer"),
            "SourceIp": str(peer[0]) if peer else None,
            "UserAgent": asked.header("user-agent"),
            "SecureTransport": str(asked.received.secure).lower(),
            "prefix": asked.query.get("prefix"),
        }

    def applies(self, statement: Any, account: str, action: str, bucket: str, key: str, facts: Facts) -> bool:
        """Whether a statement speaks of this request."""
        return (
            self.names_principal(statement, account)
            and self.names_action(statement, action)
            and self.names_resource(statement, f"{bucket}/{key}" if key else bucket)
            and all(
                self.holds(operator, self.fact_name(name) or "", [str(v) for v in _listed(values)], facts)
                for operator, keys in statement.get("Condition", {}).items()
                for name, values in keys.items()
            )
        )

    def names_principal(self, statement: Any, account: str) -> bool:
        """Principal or NotPrincipal."""
        names = list(_principals(statement.get("Principal", statement.get("NotPrincipal"))))
        mine = self.storage.names.get(account, account)
        found = any(
            name == "*" or (account and (name in (account, mine) or f"::{account}:" in name or f"::{mine}:" in name))
            for name in names
        )
        return bool(found) == ("Principal" in statement)

    def names_action(self, statement: Any, action: str) -> bool:
        """Action or NotAction."""
        listed = _listed(statement.get("Action", statement.get("NotAction")))
        found = any(like(wanted.partition(":")[2] if ":" in wanted else wanted, action) for wanted in listed)
        return found == ("Action" in statement)

    def names_resource(self, statement: Any, resource: str) -> bool:
        """Resource or NotResource."""
        listed = _listed(statement.get("Resource", statement.get("NotResource")))
        plain = [_without_prefix(wanted, self.words) for wanted in listed]
        return any(like(wanted, resource) for wanted in plain) == ("Resource" in statement)

    def holds(self, name: str, fact: str, wanted: list[str], facts: Facts) -> bool:
        """One condition."""
        operator = OPERATORS[name.removesuffix("IfExists")]
        value = facts.get(fact)
        if value is None:
            return operator.negative or name.endswith("IfExists")
        return any(operator.fits(one, value) for one in wanted) != operator.negative


def vocabularies(dialect: Dialect) -> list[PolicyVocabulary]:
    """The words that a dialect knows: its own, and those of S3, which its older SDK writes."""
    older = load_dialects()["aws"].policy
    return [dialect.policy] if dialect.policy == older else [dialect.policy, older]


def _without_prefix(resource: str, words: list[PolicyVocabulary]) -> str:
    return next((resource.removeprefix(w.resource) for w in words if resource.startswith(w.resource)), resource)


def _principals(principal: Any) -> Iterator[str]:
    if isinstance(principal, dict):
        for names in principal.values():
            yield from _listed(names)
    else:
        yield str(principal)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _is_network(value: Any) -> bool:
    try:
        return isinstance(value, str) and ipaddress.ip_network(value, strict=False) is not None
    except ValueError:
        return False


@lru_cache(maxsize=256)
def _statements(body: bytes) -> list[Any]:
    return _listed(json.loads(body)["Statement"])
