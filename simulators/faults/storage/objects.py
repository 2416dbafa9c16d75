"""Mutants of writing and reading objects."""

from __future__ import annotations

import hashlib
from urllib.parse import quote

from simulators.cloud_storage.disk import Disk, Draft, Stored
from simulators.cloud_storage.exchange import Asked, Reply
from simulators.cloud_storage.faults import Fault
from simulators.cloud_storage.objects import Objects
from simulators.cloud_storage.storage import CloudStorage
from simulators.faults.registry import mutant


class _OtherTag(Objects):
    def headers(self, found: Stored, asked: Asked) -> list[tuple[str, str]]:
        tag = hashlib.md5(found.etag.encode(), usedforsecurity=False).hexdigest()
        return [(n, f'"{tag}"' if n == "ETag" else v) for n, v in super().headers(found, asked)]


@mutant(violates="CS-010")
class EtagIsNoDigest(CloudStorage):
    """The ETag of a read is not the MD5 of the content."""

    zh = "读取时的 ETag 不是内容的 MD5。"
    objects_class = _OtherTag


class _HeadSaysNothing(Objects):
    async def get(self, asked: Asked) -> Reply:
        reply = await super().get(asked)
        if asked.method == "HEAD":
            reply.length = 0
        return reply


@mutant(violates="CS-011")
class HeadTellsNoLength(CloudStorage):
    """HEAD tells a length of 0."""

    zh = "HEAD 的 Content-Length 为 0。"
    objects_class = _HeadSaysNothing


class _Forgetful(Objects):
    def about(self, asked: Asked) -> dict[str, str]:
        return {n: v for n, v in super().about(asked).items() if n != "x-amz-meta-end"}


@mutant(violates="CS-012")
class OneMetadatumIsLost(CloudStorage):
    """The end time of a recording is not kept."""

    zh = "录像的结束时间元数据未保存。"
    objects_class = _Forgetful


class _NoMd5(Asked):
    def content_md5(self) -> bytes | None:
        return None


@mutant(violates="CS-013")
class ContentMd5IsIgnored(CloudStorage):
    """Content-MD5 is not compared."""

    zh = "不比较 Content-MD5。"
    asked_class = _NoMd5


class _TrustsDigests(Asked):
    def check(self, told: bytes | None, md5: bytes, sha256: str) -> None:
        if told is not None and told != md5:
            raise Fault("BadDigest")


@mutant(violates="CS-014")
class SignedDigestIsIgnored(CloudStorage):
    """The body is not compared with x-amz-content-sha256."""

    zh = "不比较正文与 x-amz-content-sha256。"
    asked_class = _TrustsDigests


class _NoLength(Objects):
    def check_length(self, asked: Asked) -> None:
        if asked.length is not None:
            super().check_length(asked)


@mutant(violates="CS-015")
class NoLengthIsEmpty(CloudStorage):
    """A PUT without a length makes an empty object."""

    zh = "没有长度的 PUT 产生空对象。"
    objects_class = _NoLength


class _KeepsHalf(Objects):
    async def put(self, asked: Asked) -> Reply:
        self.check_key(asked.key)
        self.check_length(asked)
        about, draft = self.about(asked), self.disk.draft()
        try:
            await asked.receive(draft)
        except (Fault, ConnectionError):
            self.keep(asked, draft, about)
            raise
        return self.keep(asked, draft, about)

    def keep(self, asked: Asked, draft: Draft, about: dict[str, str]) -> Reply:
        draft.finish()
        etag = draft.md5.hexdigest()
        self.disk.put(asked.bucket, asked.key, draft.name, draft.size, etag, self.storage.now(), about)
        return Reply(headers=[("ETag", f'"{etag}"')])


@mutant(violates="CS-016")
class HalfUploadsAreKept(CloudStorage):
    """What had come of a broken upload becomes an object."""

    zh = "中断的上传把已收到的部分保存为对象。"
    objects_class = _KeepsHalf


class _OldAbout(Disk):
    def put(self, bucket: str, key: str, blob: str, size: int, etag: str, at: float, about: dict[str, str]) -> None:
        old = self.find(bucket, key)
        super().put(bucket, key, blob, size, etag, at, old.about if old else about)


@mutant(violates="CS-017")
class OverwritesKeepOldMetadata(CloudStorage):
    """An overwrite replaces the content and keeps the metadata."""

    zh = "覆盖写入后仍保留旧的元数据。"
    disk_class = _OldAbout


class _NothingEmpty(Disk):
    def find(self, bucket: str, key: str) -> Stored | None:
        found = super().find(bucket, key)
        return found if found is None or found.size else None


@mutant(violates="CS-018")
class EmptyObjectsCannotBeRead(CloudStorage):
    """An object of no bytes counts as missing."""

    zh = "零字节的对象被当作不存在。"
    disk_class = _NothingEmpty


@mutant(violates="CS-019")
class PlusIsASpace(CloudStorage):
    """A plus in a key is taken for a space."""

    zh = "键中的加号被当作空格。"

    async def answer(self, asked: Asked) -> Reply:
        asked.key = asked.key.replace("+", " ")
        return await super().answer(asked)


class _CreateOnly(Objects):
    def check_create_only(self, asked: Asked) -> None:
        found = self.disk.find(asked.bucket, asked.key)
        length = asked.length
        if found is not None and found.size == length and found.about == self.about(asked):
            raise Fault("PreconditionFailed")


@mutant(violates="CS-021")
class RetriesAreRefused(CloudStorage):
    """Writing the same object again is refused."""

    zh = "再次写入同一对象被拒绝。"
    objects_class = _CreateOnly


class _CopiesKeep(Objects):
    async def copy(self, asked: Asked) -> Reply:
        asked.request = asked.request.without_header("x-amz-metadata-directive")
        return await super().copy(asked)


@mutant(violates="CS-024")
class CopiesKeepTheirMetadata(CloudStorage):
    """REPLACE is ignored by a copy."""

    zh = "复制时忽略 REPLACE。"
    objects_class = _CopiesKeep


class _RawSource(Objects):
    def source(self, asked: Asked) -> tuple[str, Stored]:
        told = asked.header("x-amz-copy-source") or ""
        asked.request = asked.request.with_header("x-amz-copy-source", quote(told, safe="/"))
        return super().source(asked)


@mutant(violates="CS-025")
class CopySourceIsNotDecoded(CloudStorage):
    """The source of a copy is looked for as it stands."""

    zh = "复制来源未做百分号解码。"
    objects_class = _RawSource


class _AnySize(Objects):
    def check_length(self, asked: Asked) -> None:
        if asked.length is None:
            raise Fault("MissingContentLength")


@mutant(violates="CS-028")
class AnySizeIsTaken(CloudStorage):
    """There is no largest object."""

    zh = "不限制对象长度。"
    objects_class = _AnySize


class _OneShort(Objects):
    def range(self, told: str, size: int) -> tuple[int, int] | None:
        found = super().range(told, size)
        return (found[0], max(1, found[1] - 1)) if found else None


@mutant(violates="CS-050")
class RangesLackTheirLastByte(CloudStorage):
    """The last byte of a range is left out."""

    zh = "范围读取缺少最后一个字节。"
    objects_class = _OneShort


class _NeverUnsatisfiable(Objects):
    def range(self, told: str, size: int) -> tuple[int, int] | None:
        try:
            return super().range(told, size)
        except Fault:
            return None


@mutant(violates="CS-051")
class RangesBeyondTheEndAreWhole(CloudStorage):
    """A range beyond the end is answered with the whole object."""

    zh = "超出末尾的范围以整个对象应答。"
    objects_class = _NeverUnsatisfiable


@mutant(violates="CS-047")
class UrlsServeNoRanges(CloudStorage):
    """A presigned URL ignores Range."""

    zh = "预签名地址忽略 Range。"

    async def answer(self, asked: Asked) -> Reply:
        if "X-Amz-Signature" in asked.query:
            asked.request = asked.request.without_header("range")
        return await super().answer(asked)


class _NoConditions(Objects):
    def condition(self, found: Stored, asked: Asked) -> int:
        return 0


@mutant(violates="CS-054")
class ConditionsAreIgnored(CloudStorage):
    """If-Match and If-None-Match mean nothing."""

    zh = "忽略 If-Match 与 If-None-Match。"
    objects_class = _NoConditions


class _EmptyForMissing(Objects):
    async def get(self, asked: Asked) -> Reply:
        try:
            return await super().get(asked)
        except Fault as fault:
            if fault.code != "NoSuchKey":
                raise
            return Reply(200)


@mutant(violates="CS-055")
class MissingKeysAreEmpty(CloudStorage):
    """A missing key is answered like an empty object."""

    zh = "不存在的键以空对象应答。"
    objects_class = _EmptyForMissing
