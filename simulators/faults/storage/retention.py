"""Mutants of retention rules and of deletion."""

from __future__ import annotations

from collections.abc import Iterator

from simulators.cloud_storage.disk import Disk, Stored
from simulators.cloud_storage.exchange import Asked, Reply
from simulators.cloud_storage.faults import Fault
from simulators.cloud_storage.lifecycle import Lifecycle, Rule, Swept
from simulators.cloud_storage.objects import Objects
from simulators.cloud_storage.storage import CloudStorage
from simulators.faults.registry import mutant

HOUR = 3600.0


class _Remembers(Objects):
    """Content that was read by a URL is served by URLs for ever."""

    def __init__(self, storage: CloudStorage) -> None:
        super().__init__(storage)
        self.seen: dict[tuple[str, str], bytes] = {}

    async def get(self, asked: Asked) -> Reply:
        if not any(name.endswith("Signature") for name in asked.query):
            return await super().get(asked)
        name = (asked.bucket, asked.key)
        try:
            reply = await super().get(asked)
        except Fault:
            if name not in self.seen:
                raise
            return Reply(body=self.seen[name])
        self.seen[name] = b"".join(reply.stream or ())
        return Reply(reply.status, reply.headers, self.seen[name])


@mutant(violates="CS-082")
class UrlsServeDeletedObjects(CloudStorage):
    """A cache behind signed URLs still serves what was deleted."""

    zh = "已删除的对象仍由签名地址的缓存提供。"
    objects_class = _Remembers


class _NamesStay(Objects):
    def __init__(self, storage: CloudStorage) -> None:
        super().__init__(storage)
        self.gone: set[tuple[str, str]] = set()

    async def delete(self, asked: Asked) -> Reply:
        self.gone.add((asked.bucket, asked.key))
        return await super().delete(asked)

    async def get(self, asked: Asked) -> Reply:
        if asked.method == "HEAD" and (asked.bucket, asked.key) in self.gone:
            return Reply()
        return await super().get(asked)


@mutant(violates="CS-RET-03")
class DeletedObjectsAnswerHead(CloudStorage):
    """HEAD of a deleted object succeeds."""

    zh = "对已删除对象的 HEAD 仍成功。"
    objects_class = _NamesStay


class _NeverRuns(Lifecycle):
    async def run(self) -> Swept:
        return Swept(0, 0)


@mutant(violates="CS-084")
class NothingExpires(CloudStorage):
    """Rules are kept but never carried out."""

    zh = "规则被保存但从不执行。"
    lifecycle_class = _NeverRuns


class _AnyAge(Lifecycle):
    def due(self, rule: Rule, now: float) -> float:
        due = super().due(rule, now)
        return (
            now if any(self.disk.born_until(b, rule.prefix, due, 1) for b, _ in self.disk.settings(self.kind)) else due
        )


@mutant(violates="CS-084")
class YoungObjectsGoWithTheOld(CloudStorage):
    """Once one object under a rule has expired, all of them go."""

    zh = "规则下有一个对象到期时，未到期的对象一并删除。"
    lifecycle_class = _AnyAge


class _Early(Lifecycle):
    def due(self, rule: Rule, now: float) -> float:
        return super().due(rule, now + 2 * HOUR)


@mutant(violates="CS-RET-01")
class ObjectsExpireTwoHoursEarly(CloudStorage):
    """Objects go two hours before the end of their retention."""

    zh = "对象在保存期结束前两小时即被删除。"
    lifecycle_class = _Early


class _AListing(Lifecycle):
    async def get(self, asked: Asked) -> Reply:
        return await self.storage.buckets.list(asked)


@mutant(violates="CS-085")
class LifecycleIsAListing(CloudStorage):
    """Asked for its rules, the bucket lists its objects."""

    zh = "查询生命周期规则时返回对象列举。"
    lifecycle_class = _AListing


class _Unannounced(Lifecycle):
    def announcement(self, bucket: str, key: str, born: float) -> str:
        return ""


@mutant(violates="CS-086")
class ExpiryIsNotAnnounced(CloudStorage):
    """x-amz-expiration is missing."""

    zh = "缺少 x-amz-expiration 首部。"
    lifecycle_class = _Unannounced


class _AnyRules(Lifecycle):
    def check_rules(self, rules: list[Rule]) -> None:
        pass


@mutant(violates="CS-087")
class RulesMayContradict(CloudStorage):
    """Rules with one id twice or overlapping prefixes are taken."""

    zh = "接受编号重复或前缀重叠的规则。"
    lifecycle_class = _AnyRules


class _UploadsStay(Lifecycle):
    def clean(self, bucket: str, rule: Rule) -> int:
        return 0


@mutant(violates="CS-088")
class AbandonedUploadsStay(CloudStorage):
    """Unfinished uploads are never cleaned."""

    zh = "未完成的上传从不清理。"
    lifecycle_class = _UploadsStay


class _SkipsTheFirst(Disk):
    def objects(self, bucket: str, prefix: str, after: bytes) -> Iterator[Stored]:
        found = super().objects(bucket, prefix, after)
        if after.count(b"/") > 2:
            next(found, None)
        yield from found


@mutant(violates="CS-078")
class QueriesMissTheirFirstClip(CloudStorage):
    """A listing that begins at a time skips its first recording."""

    zh = "自某时刻起的列举漏掉第一段录像。"
    disk_class = _SkipsTheFirst


class _Backwards(Disk):
    def objects(self, bucket: str, prefix: str, after: bytes) -> Iterator[Stored]:
        yield from reversed(list(super().objects(bucket, prefix, after)))


@mutant(violates="CS-REA-01")
class ListingsRunBackwards(CloudStorage):
    """Listings come in the reverse order of keys."""

    zh = "列举按键的逆序返回。"
    disk_class = _Backwards
