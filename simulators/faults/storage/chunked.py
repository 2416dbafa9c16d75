"""Mutants of uploads in aws-chunked framing."""

from __future__ import annotations

from collections.abc import AsyncIterator

from conformance.protocols import aws_chunked
from simulators.cloud_storage.chunked_body import ChunkedBody
from simulators.cloud_storage.exchange import Asked
from simulators.cloud_storage.faults import Fault
from simulators.cloud_storage.objects import Objects
from simulators.cloud_storage.storage import CloudStorage
from simulators.faults.registry import mutant


@mutant(violates="CS-023")
class FramingIsStored(CloudStorage):
    """The headers of the chunks become part of the object."""

    zh = "分块头成为对象内容的一部分。"

    class _Framed(Asked):
        async def payload(self, trailers: dict[str, str]) -> AsyncIterator[bytes]:
            async for block in self.blocks():
                yield block

    asked_class = _Framed


@mutant(violates="CS-023")
class TheFramingStaysInTheEncoding(CloudStorage):
    """An object uploaded in chunks says aws-chunked in its Content-Encoding."""

    zh = "分块上传的对象在 Content-Encoding 中保留 aws-chunked。"

    class _Named(Objects):
        def about(self, asked: Asked) -> dict[str, str]:
            about = super().about(asked)
            return {**about, "content-encoding": "aws-chunked"} if asked.framed else about

    objects_class = _Named


class _Unsigned(Asked):
    async def payload(self, trailers: dict[str, str]) -> AsyncIterator[bytes]:
        if not self.framed:
            async for block in self.blocks():
                yield block
            return
        framing = ChunkedBody(aws_chunked.UNSIGNED_TRAILER, None)
        async for block in self.blocks():
            for piece in framing.feed(block):
                yield piece
        framing.end()
        trailers.update(framing.trailers)


@mutant(violates="CS-023a")
class ChunkSignaturesAreNotCompared(CloudStorage):
    """Any signature will do for a chunk."""

    zh = "不比较分块的签名。"
    asked_class = _Unsigned


@mutant(violates="CS-023a")
class TheLastChunkMayBeMissing(CloudStorage):
    """An upload whose last chunk has not come is stored."""

    zh = "缺少末块的上传被存储。"

    class _Open(Asked):
        async def payload(self, trailers: dict[str, str]) -> AsyncIterator[bytes]:
            try:
                async for piece in super().payload(trailers):
                    yield piece
            except Fault as fault:
                if fault.message not in ("The last chunk is missing", "The header of a chunk is malformed"):
                    raise

    asked_class = _Open


@mutant(violates="CS-023b")
class TrailersAreUnknown(CloudStorage):
    """An upload with a trailer is refused."""

    zh = "带尾部的上传被拒绝。"

    class _WithoutTrailers(Asked):
        async def payload(self, trailers: dict[str, str]) -> AsyncIterator[bytes]:
            if self.header("x-amz-trailer") is not None:
                raise Fault("InvalidArgument", "x-amz-content-sha256 is no digest")
            async for piece in super().payload(trailers):
                yield piece

    asked_class = _WithoutTrailers


@mutant(violates="CS-023c")
class TrailersAreNotCompared(CloudStorage):
    """The checksum in a trailer is read and not compared."""

    zh = "不比较尾部的校验和。"

    class _Trusting(Asked):
        def check_checksum(self, algorithm: str, digest: bytes, trailers: dict[str, str]) -> None:
            if self.header("x-amz-trailer") is None:
                super().check_checksum(algorithm, digest, trailers)

    asked_class = _Trusting


@mutant(violates="CS-023c")
class TheDecodedLengthIsNotCompared(CloudStorage):
    """x-amz-decoded-content-length may lie."""

    zh = "不核对 x-amz-decoded-content-length。"

    class _AnyLength(Asked):
        async def payload(self, trailers: dict[str, str]) -> AsyncIterator[bytes]:
            if not self.framed:
                async for block in self.blocks():
                    yield block
                return
            framing = ChunkedBody(self.header("x-amz-content-sha256") or "", self.identity.chunks)
            async for block in self.blocks():
                for piece in framing.feed(block):
                    yield piece
            framing.end()
            trailers.update(framing.trailers)

    asked_class = _AnyLength
