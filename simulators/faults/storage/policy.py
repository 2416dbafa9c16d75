"""Mutants of policies, cross-origin rules, quota and load."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from conformance.protocols.safe_xml import XmlElement
from simulators.cloud_storage.access import Access
from simulators.cloud_storage.cors import Cors
from simulators.cloud_storage.exchange import Asked
from simulators.cloud_storage.faults import Fault
from simulators.cloud_storage.policy import Facts, Policies
from simulators.cloud_storage.quota import Quota
from simulators.cloud_storage.storage import CloudStorage
from simulators.faults.registry import mutant
from specs.declaration import LoadedDeclaration

MANY = 60


class _AnyStatement(Policies):
    def check_statement(self, statement: Any, bucket: str) -> None:
        pass


@mutant(violates="CS-090")
class AnyPolicyIsTaken(CloudStorage):
    """Statements of a policy are not checked."""

    zh = "不检查策略的各条语句。"
    policies_class = _AnyStatement


class _ByPrefix(Policies):
    def holds(self, name: str, fact: str, wanted: list[str], facts: Facts) -> bool:
        if fact != "Referer":
            return super().holds(name, fact, wanted, facts)
        return any((facts["Referer"] or "").startswith(one.rstrip("/*")) for one in wanted)


@mutant(violates="CS-091")
class LookAlikeReferersPass(CloudStorage):
    """A referer passes when it begins like a listed one."""

    zh = "来源只要与名单开头相同即放行。"
    policies_class = _ByPrefix


class _EmptyPasses(Policies):
    def holds(self, name: str, fact: str, wanted: list[str], facts: Facts) -> bool:
        return (fact == "Referer" and not facts["Referer"]) or super().holds(name, fact, wanted, facts)


@mutant(violates="CS-091")
class EmptyReferersPass(CloudStorage):
    """A request without a referer passes the allow list."""

    zh = "没有来源的请求通过白名单。"
    policies_class = _EmptyPasses


class _AnyResource(Policies):
    def names_resource(self, statement: Any, resource: str) -> bool:
        return True


@mutant(violates="CS-CRE-06")
class PoliciesForgetTheirPrefix(CloudStorage):
    """What a policy allows under one prefix is allowed everywhere in the bucket."""

    zh = "策略对某前缀的授权在整个桶内有效。"
    policies_class = _AnyResource


class _AnyOrigin(Cors):
    def fitting(self, bucket: str, origin: str, method: str, headers: list[str]) -> XmlElement | None:
        return next(iter(self.rules(bucket)), None)


@mutant(violates="CS-093")
class EveryOriginIsAllowed(CloudStorage):
    """A cross-origin rule holds for every origin and method."""

    zh = "跨域规则对任何来源与方法有效。"
    cors_class = _AnyOrigin


class _PublicAtFirst(Access):
    def acl(self, bucket: str) -> str:
        return "public-read" if self.disk.setting(bucket, "acl") is None else super().acl(bucket)


@mutant(violates="CS-094")
class NewBucketsArePublic(CloudStorage):
    """Everybody may read a new bucket."""

    zh = "新建的桶任何人可读。"
    access_class = _PublicAtFirst


class _NoQuota(Quota):
    def check(self, bucket: str, more: int) -> None:
        pass


@mutant(violates="CS-098")
class TheQuotaIsNotKept(CloudStorage):
    """A tenant may write beyond its quota."""

    zh = "租户可超出配额写入。"
    quota_class = _NoQuota


@mutant(violates="CS-099")
class OverloadIsAnError(CloudStorage):
    """More than so many requests in a second fail with an internal error."""

    zh = "每秒请求较多时以内部错误失败。"

    def __init__(self, loaded: LoadedDeclaration, folder: Path) -> None:
        super().__init__(loaded, folder)
        self.lately: list[float] = []

    def check_load(self, asked: Asked) -> None:
        now = self.now()
        self.lately = [*(at for at in self.lately if now - at < 1.0), now]
        if len(self.lately) > MANY and asked.method == "PUT":
            raise Fault("InternalError")
        super().check_load(asked)
