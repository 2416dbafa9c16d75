"""Mutants of recordings: how they are written, found and played."""

from __future__ import annotations

from simulators.cloud_storage.buckets import Buckets
from simulators.cloud_storage.disk import Disk, Stored
from simulators.cloud_storage.exchange import Asked, Reply
from simulators.cloud_storage.objects import Objects
from simulators.cloud_storage.storage import CloudStorage
from simulators.faults.registry import mutant
from simulators.faults.storage.authentication import AnybodyMayRead, AnyTimeIsGood, UrlsNeverDie
from simulators.faults.storage.objects import (
    ContentMd5IsIgnored,
    HalfUploadsAreKept,
    OneMetadatumIsLost,
    RangesLackTheirLastByte,
)

FAR_IN = 10_000


class _NoVideo(Objects):
    def headers(self, found: Stored, asked: Asked) -> list[tuple[str, str]]:
        plain = "application/octet-stream"
        return [(n, plain if v == "video/mp2t" else v) for n, v in super().headers(found, asked)]


@mutant(violates="CS-056")
class SegmentsLoseTheirType(CloudStorage):
    """Segments come as application/octet-stream."""

    zh = "切片的类型变为 application/octet-stream。"
    objects_class = _NoVideo


class _Shifted(Objects):
    def range(self, told: str, size: int) -> tuple[int, int] | None:
        found = super().range(told, size)
        return (found[0] - 1, found[1]) if found and found[0] > FAR_IN else found


@mutant(violates="CS-057")
class RangesFarInAreShifted(CloudStorage):
    """A range far into a recording begins one byte early."""

    zh = "录像较后位置的范围提前一个字节。"
    objects_class = _Shifted


class _PartDigestIgnored(Asked):
    def content_md5(self) -> bytes | None:
        return None if "partNumber" in self.query else super().content_md5()


@mutant(violates="CS-068")
class DigestsOfPartsAreIgnored(CloudStorage):
    """The Content-MD5 of a part is not compared."""

    zh = "不比较分段的 Content-MD5。"
    asked_class = _PartDigestIgnored


class _AnyMost(Buckets):
    def most(self, text: str | None) -> int:
        return int(text) if text is not None and text.isdecimal() else super().most(None)


@mutant(violates="CS-074")
class NonsenseIsAPageSize(CloudStorage):
    """A max-keys that is no number counts as 1000."""

    zh = "非数字的 max-keys 被当作 1000。"
    buckets_class = _AnyMost


class _NeverEncoded(Buckets):
    def encoded(self, told: str | None) -> bool:
        return False


@mutant(violates="CS-075")
class ListingsAreNeverEncoded(CloudStorage):
    """encoding-type=url is ignored."""

    zh = "忽略 encoding-type=url。"
    buckets_class = _NeverEncoded


class _OldSizes(Buckets):
    def contents(self, found: Stored, key: str, owner: str | None) -> str:
        return super().contents(found, key, owner).replace(f"<Size>{found.size}<", f"<Size>{found.size + 1}<")


@mutant(violates="CS-079")
class ListingsTellOtherSizes(CloudStorage):
    """Sizes of a listing are not those of the objects."""

    zh = "列举的长度与对象不符。"
    buckets_class = _OldSizes


class _Versions(Disk):
    def put(self, bucket: str, key: str, blob: str, size: int, etag: str, at: float, about: dict[str, str]) -> None:
        if self.find(bucket, key) is not None:
            super().put(bucket, f"{key}~1", self.files.linked(blob), size, etag, at, about)
        super().put(bucket, key, blob, size, etag, at, about)


@mutant(violates="CS-UPL-02")
class RetriesAreStoredTwice(CloudStorage):
    """A repeated upload appears a second time under another key."""

    zh = "重复上传以另一个键再存一份。"
    disk_class = _Versions


class _Trimmed(Objects):
    async def get(self, asked: Asked) -> Reply:
        reply = await super().get(asked)
        if reply.length > FAR_IN and asked.method == "GET" and reply.status == 200:
            body = b"".join(reply.stream or ())[:-1]
            return Reply(reply.status, reply.headers, body)
        return reply


@mutant(violates="CS-REA-05")
class DownloadsLackTheirLastByte(CloudStorage):
    """Downloads of larger objects lack their last byte."""

    zh = "较大对象的下载缺少最后一个字节。"
    objects_class = _Trimmed


@mutant(violates="CS-REA-02")
class BrokenUploadsAreIndexed(HalfUploadsAreKept):
    """An upload that broke off stands in the index."""

    zh = "中断的上传进入索引。"


@mutant(violates="CS-UPL-04")
class WrongContentReplacesRecordings(ContentMd5IsIgnored):
    """A recording whose digest is wrong replaces the one before."""

    zh = "摘要不符的录像替换了原录像。"


@mutant(violates="CS-UPL-07")
class RecordingsForgetTheirEnd(OneMetadatumIsLost):
    """The end of a recording is not kept."""

    zh = "录像的结束时间未保存。"


@mutant(violates="CS-REA-03")
class PlayAddressesNeverDie(UrlsNeverDie):
    """An address of a recording plays for ever."""

    zh = "录像的播放地址永不失效。"


@mutant(violates="CS-REA-04")
class PlayedRangesLackTheirLastByte(RangesLackTheirLastByte):
    """A range of a recording ends one byte early."""

    zh = "录像的范围少一个字节。"


@mutant(violates="CS-CRE-04")
class RecordingsAreForEverybody(AnybodyMayRead):
    """Whoever knows the key of a recording may read it."""

    zh = "任何知道键名者均可读取录像。"


@mutant(violates="CS-CRE-07")
class LateSignaturesCount(AnyTimeIsGood):
    """A signature of yesterday is still good."""

    zh = "昨天的签名今天仍有效。"
