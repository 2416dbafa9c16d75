"""Mutants that a raw client hardly minds and an SDK does."""

from __future__ import annotations

from simulators.cloud_storage import checksums
from simulators.cloud_storage.buckets import Buckets
from simulators.cloud_storage.disk import Stored
from simulators.cloud_storage.exchange import Asked, Reply
from simulators.cloud_storage.objects import Objects
from simulators.cloud_storage.storage import CloudStorage
from simulators.faults.registry import mutant


@mutant(violates="CS-100")
class UrlEncodingIsEchoedOnly(CloudStorage):
    """A listing says EncodingType url and tells keys as they are."""

    zh = "列举声明 EncodingType 为 url 却不编码键。"

    class _Echoing(Buckets):
        async def list(self, asked: Asked) -> Reply:
            told = asked.query.pop("encoding-type", None)
            reply = await super().list(asked)
            if told:
                reply.body = reply.body.replace(b"</MaxKeys>", b"</MaxKeys><EncodingType>url</EncodingType>")
            return reply

    buckets_class = _Echoing


@mutant(violates="CS-100a")
class ChecksumsOfSomethingElseAreTold(CloudStorage):
    """The checksum that is told on reading is not that of the content."""

    zh = "读取时给出的校验和与内容不符。"

    class _Wrong(Objects):
        def headers(self, found: Stored, asked: Asked) -> list[tuple[str, str]]:
            told = super().headers(found, asked)
            return [(n, "AAAAAA==" if n == f"{checksums.HEADER}crc32" else v) for n, v in told]

    objects_class = _Wrong


@mutant(violates="CS-101")
class ListingsTellHttpDates(CloudStorage):
    """LastModified of a listing is an HTTP date."""

    zh = "列举中的 LastModified 采用 HTTP 日期格式。"

    class _Dated(Buckets):
        def contents(self, found: Stored, key: str, owner: str | None) -> str:
            text = super().contents(found, key, owner)
            head, _, rest = text.partition("<LastModified>")
            return f"{head}<LastModified>Mon, 03 Jun 2013 08:00:00 GMT</LastModified>{rest.partition('>')[2]}"

    buckets_class = _Dated
