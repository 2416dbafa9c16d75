"""Mutants of buckets and listings."""

from __future__ import annotations

from collections.abc import Iterator

from simulators.cloud_storage.buckets import Buckets, Page
from simulators.cloud_storage.disk import Disk, Stored
from simulators.cloud_storage.exchange import Asked, Reply, document
from simulators.cloud_storage.faults import Fault
from simulators.cloud_storage.storage import CloudStorage
from simulators.faults.registry import mutant


@mutant(violates="CS-001")
class BucketsMakeThemselves(CloudStorage):
    """A request for a bucket that does not exist creates it."""

    zh = "访问不存在的桶时自动创建该桶。"

    def check_access(self, bucket: str, account: str) -> None:
        if self.disk.owner(bucket) is None and account:
            self.disk.add_bucket(bucket, account, self.now())
        super().check_access(bucket, account)


class _AnyName(Buckets):
    def check_name(self, name: str) -> None:
        if not name:
            raise Fault("InvalidBucketName")


@mutant(violates="CS-002")
class AnyBucketName(CloudStorage):
    """Every name of a bucket is taken."""

    zh = "接受任何桶名。"
    buckets_class = _AnyName


class _DeletedWithObjects(Buckets):
    async def delete(self, asked: Asked) -> Reply:
        for found in list(self.disk.objects(asked.bucket, "", b"")):
            self.disk.remove(asked.bucket, found.key)
        return await super().delete(asked)


@mutant(violates="CS-003")
class BucketsGoWithTheirObjects(CloudStorage):
    """A bucket is deleted together with what is in it."""

    zh = "删除非空的桶并丢弃其中的对象。"
    buckets_class = _DeletedWithObjects


class _LastAgain(Buckets):
    def page(self, bucket: str, prefix: str, delimiter: str, after: str, most: int) -> Page:
        page = super().page(bucket, prefix, delimiter, after, most)
        if page.truncated and len(page.objects) > 1:
            page.last = page.objects[-2].key
        return page


@mutant(violates="CS-070")
class PagesOverlap(CloudStorage):
    """The next page begins with the last key of the one before."""

    zh = "下一页重复上一页的最后一个键。"
    buckets_class = _LastAgain


@mutant(violates="CS-073")
class MarkersOverlap(CloudStorage):
    """With a marker the listing begins at the marker instead of behind it."""

    zh = "以 marker 列举时包含 marker 本身。"

    class _Inclusive(Buckets):
        def entries(self, bucket: str, prefix: str, delimiter: str, after: str) -> Iterator[tuple[str, Stored | None]]:
            found = self.disk.find(bucket, after) if after else None
            if found is not None:
                yield after, found
            yield from super().entries(bucket, prefix, delimiter, after)

    buckets_class = _Inclusive


class _PrefixesRepeat(Buckets):
    def entries(self, bucket: str, prefix: str, delimiter: str, after: str) -> Iterator[tuple[str, Stored | None]]:
        for found in self.disk.objects(bucket, prefix, after.encode("utf-8", "surrogateescape")):
            head, cut, _ = found.key[len(prefix) :].partition(delimiter) if delimiter else (found.key, "", "")
            yield (prefix + head + cut, None) if cut else (found.key, found)


@mutant(violates="CS-071")
class FoldersRepeat(CloudStorage):
    """A folder is listed once for every object in it."""

    zh = "每个对象都列出一次其所在目录。"
    buckets_class = _PrefixesRepeat


class _StartIncluded(Buckets):
    async def list(self, asked: Asked) -> Reply:
        after = asked.query.get("start-after", "")
        if after and self.disk.find(asked.bucket, after) is not None:
            asked.query["start-after"] = after[:-1]
        return await super().list(asked)


@mutant(violates="CS-072")
class StartIsIncluded(CloudStorage):
    """The key named by start-after is listed as well."""

    zh = "start-after 所指的键也被列出。"
    buckets_class = _StartIncluded


@mutant(violates="CS-076")
class ListingsLagBehind(CloudStorage):
    """A listing shows what was there one request for it earlier."""

    zh = "列举结果滞后一次。"

    class _Lagging(Buckets):
        last: Reply | None = None

        async def list(self, asked: Asked) -> Reply:
            now = await super().list(asked)
            before, self.last = self.last, now
            return before or now

    buckets_class = _Lagging


class _NeverRemoves(Disk):
    def remove(self, bucket: str, key: str) -> None:
        """Nothing."""


@mutant(violates="CS-080")
class DeletedObjectsStay(CloudStorage):
    """DELETE is answered 204 and the object stays."""

    zh = "DELETE 应答 204 而对象仍在。"
    disk_class = _NeverRemoves


@mutant(violates="CS-081")
class OnlyTheFirstIsDeleted(CloudStorage):
    """DeleteObjects deletes the first key and claims all."""

    zh = "批量删除只删除第一个键。"

    async def delete_many(self, asked: Asked) -> Reply:
        kept = self.disk.remove
        done: list[str] = []

        def once(bucket: str, key: str) -> None:
            if not done:
                kept(bucket, key)
            done.append(key)

        self.disk.remove = once  # type: ignore[method-assign]
        try:
            return await super().delete_many(asked)
        finally:
            self.disk.remove = kept  # type: ignore[method-assign]


@mutant(violates="CS-092")
class TenantsReadEachOther(CloudStorage):
    """Whoever has an account may read every bucket."""

    zh = "任何帐号都可以读取所有的桶。"

    def check_access(self, bucket: str, account: str) -> None:
        if self.disk.owner(bucket) is None or not account:
            super().check_access(bucket, account)


@mutant(violates="CS-095")
class ErrorsAreHtml(CloudStorage):
    """Errors come as an HTML page."""

    zh = "错误以 HTML 页面应答。"

    def refusal(self, asked: Asked, fault: Fault) -> Reply:
        page = f"<html><body><h1>{fault.code}</h1></body></html>".encode()
        return Reply(fault.status, [("Content-Type", "text/html")], page)


@mutant(violates="CS-096")
class UnknownSubresourcesAreIgnored(CloudStorage):
    """A request with an unknown sub-resource is carried out as if it had none."""

    zh = "忽略未知的子资源而执行普通操作。"

    def operation(self, asked: Asked) -> object:  # type: ignore[override]
        asked.query.pop("kandianUnknown", None)
        return super().operation(asked)


@mutant(violates="CS-005", declaration="aws")
class DeletionIgnoresTheHost(CloudStorage):
    """A deletion looks for its bucket in the path only."""

    zh = "删除操作只从路径取桶名。"

    async def judged(self, asked: Asked) -> Reply:
        if asked.method == "DELETE" and "/" not in asked.request.path[1:]:
            return Reply(204)
        return await super().judged(asked)


class _MissingIsEmpty(Buckets):
    async def list(self, asked: Asked) -> Reply:
        return document("ListBucketResults", f"<Name>{asked.bucket}</Name>")


@mutant(violates="CS-095b")
class ListingsHaveAnotherRoot(CloudStorage):
    """The root of a listing has another name."""

    zh = "列举的根元素名称不同。"
    buckets_class = _MissingIsEmpty


@mutant(violates="CS-095a")
class PartsOfStrangersAreListed(CloudStorage):
    """ListParts needs no signature."""

    zh = "ListParts 不需要签名。"

    async def answer(self, asked: Asked) -> Reply:
        if asked.method == "GET" and set(asked.query) == {"uploadId"}:
            return await self.multipart.parts(asked)
        return await super().answer(asked)
