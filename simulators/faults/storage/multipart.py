"""Mutants of multipart uploads."""

from __future__ import annotations

from simulators.cloud_storage.disk import Disk, Draft, Stored, Upload
from simulators.cloud_storage.exchange import Asked, Reply
from simulators.cloud_storage.faults import Fault
from simulators.cloud_storage.multipart import Multipart
from simulators.cloud_storage.storage import CloudStorage
from simulators.faults.registry import mutant


class _ByArrival(Multipart):
    def chosen(self, listed: list[tuple[int, str]], there: dict[int, Stored]) -> list[Stored]:
        return sorted(super().chosen(listed, there), key=lambda part: part.size)


@mutant(violates="CS-060")
class PartsAreJoinedBySize(CloudStorage):
    """Parts are joined in another order than their numbers."""

    zh = "各段未按段号拼接。"
    multipart_class = _ByArrival


class _NoAbout(Disk):
    def add_upload(self, bucket: str, key: str, at: float, about: dict[str, str]) -> str:
        return super().add_upload(bucket, key, at, {})


@mutant(violates="CS-061")
class UploadsForgetTheirType(CloudStorage):
    """Type and metadata of the beginning are lost."""

    zh = "初始化时的类型与元数据丢失。"
    disk_class = _NoAbout


class _AnyPart(Multipart):
    def chosen(self, listed: list[tuple[int, str]], there: dict[int, Stored]) -> list[Stored]:
        try:
            return super().chosen(listed, there)
        except Fault as fault:
            if fault.code != "EntityTooSmall":
                raise
            return [there[number] for number, _ in listed]


@mutant(violates="CS-062")
class PartsOfAnySize(CloudStorage):
    """Small parts are joined."""

    zh = "接受过小的中间段。"
    multipart_class = _AnyPart


class _TagsIgnored(Multipart):
    def chosen(self, listed: list[tuple[int, str]], there: dict[int, Stored]) -> list[Stored]:
        told = [(number, there[number].etag if number in there else tag) for number, tag in listed]
        return super().chosen(told, there)


@mutant(violates="CS-063")
class TagsOfPartsAreIgnored(CloudStorage):
    """The ETags of a completion are not compared."""

    zh = "合并时不比较各段的 ETag。"
    multipart_class = _TagsIgnored


class _AbortsAnything(Multipart):
    async def abort(self, asked: Asked) -> Reply:
        try:
            return await super().abort(asked)
        except Fault:
            return Reply(204)


@mutant(violates="CS-064")
class UnknownUploadsAreAborted(CloudStorage):
    """Aborting an unknown upload succeeds."""

    zh = "中止未知的上传也应答成功。"
    multipart_class = _AbortsAnything


class _AnyNumber(Multipart):
    def number(self, text: str) -> int:
        return int(text) if text.isdecimal() else super().number(text)


@mutant(violates="CS-065")
class PartNumbersWithoutBounds(CloudStorage):
    """Every number is good for a part."""

    zh = "不限制段号的范围。"
    multipart_class = _AnyNumber


class _FirstStays(Multipart):
    def keep(self, upload: Upload, number: int, draft: Draft) -> None:
        if number not in self.disk.parts(upload.id):
            super().keep(upload, number, draft)


@mutant(violates="CS-066")
class PartsAreNeverReplaced(CloudStorage):
    """A part that is sent again is dropped."""

    zh = "重传的段被丢弃。"
    multipart_class = _FirstStays


class _AbortKeeps(Multipart):
    async def abort(self, asked: Asked) -> Reply:
        self.upload(asked)
        return Reply(204)


@mutant(violates="CS-067")
class AbortDoesNothing(CloudStorage):
    """Abort is answered 204 and the upload lives on."""

    zh = "中止应答 204 而上传仍有效。"
    multipart_class = _AbortKeeps
