"""Faults in how requests are read: namespaces, entities, versions, chunks, pieces, hostile input."""

from __future__ import annotations

import asyncio
import re
from codecs import BOM_UTF8

from aiohttp import web

from conformance.protocols.http_message import HttpRequest, HttpResponse
from conformance.protocols.soap import SOAP_11, SOAP_12, Envelope
from simulators.camera.camera import Camera
from simulators.camera.onvif.server import MEDIA_TYPES, OnvifService
from simulators.camera.onvif.service import SENDER, OnvifFault
from simulators.camera.onvif.state import User
from simulators.faults.registry import mutant

DEEPEST = 1000
_ENTITY = re.compile(rb'<!DOCTYPE r \[<!ENTITY e "([^"]*)">\]>')


@mutant(violates="ONV-ROB-01", declaration="onvif")
class BodyFoundByPrefix(Camera):
    """The body of a request is looked for as text, with a prefix before it."""

    zh = "按文本查找带前缀的 Body，不支持缺省命名空间。"

    class onvif_class(OnvifService):
        def read(self, data: bytes) -> Envelope:
            if b":Body" not in data:
                raise OnvifFault(SENDER, "ter:Tag", reason="There is no Body")
            return super().read(data)


@mutant(violates="ONV-ROB-02", declaration="onvif")
class BrokenXmlIsFine(Camera):
    """XML that is not well-formed is answered with an empty 200."""

    zh = "不良构的 XML 得到空的 200 应答。"

    class onvif_class(OnvifService):
        async def answer(self, request: HttpRequest, user: User | None = None) -> HttpResponse:
            answer = await super().answer(request, user)
            return HttpResponse.build(200, "OK") if b"ter:WellFormed" in answer.body else answer


@mutant(violates="ONV-ROB-03", declaration="onvif")
class EntitiesExpanded(Camera):
    """Internal entities are expanded."""

    zh = "展开内部实体。"

    class onvif_class(OnvifService):
        def read(self, data: bytes) -> Envelope:
            found = _ENTITY.search(data)
            return super().read(_ENTITY.sub(b"", data).replace(b"&e;", found[1]) if found else data)


@mutant(violates="ONV-ROB-04", declaration="onvif")
class OldSoapTaken(Camera):
    """Envelopes of SOAP 1.1 are taken."""

    zh = "接受 SOAP 1.1 信封。"

    class onvif_class(OnvifService):
        def read(self, data: bytes) -> Envelope:
            return super().read(data.replace(SOAP_11.encode(), SOAP_12.encode()))


@mutant(violates="ONV-ROB-05", declaration="onvif")
class MustUnderstandIgnored(Camera):
    """Header blocks that must be understood are passed over."""

    zh = "忽略首部块的 mustUnderstand。"

    class onvif_class(OnvifService):
        def read(self, data: bytes) -> Envelope:
            return super().read(data.replace(b"env:mustUnderstand", b"env:role"))


@mutant(violates="ONV-ROB-06", declaration="onvif")
class ContentTypeIgnored(Camera):
    """A request is read whatever its Content-Type is."""

    zh = "不看 Content-Type。"

    class onvif_class(OnvifService):
        media_types = (*MEDIA_TYPES, "text/plain", "image/jpeg")


@mutant(violates="ONV-ROB-07", declaration="onvif")
class LengthRequired(Camera):
    """A request in chunks is refused with 411."""

    zh = "分块传输的请求以 411 拒绝。"

    class onvif_class(OnvifService):
        async def answer(self, request: HttpRequest, user: User | None = None) -> HttpResponse:
            if request.headers.get("Transfer-Encoding"):
                return HttpResponse.build(411, "Length Required")
            return await super().answer(request, user)


@mutant(violates="ONV-ROB-08", declaration="onvif")
class BodyInOneSegment(Camera):
    """The body of a request is what the first read gives."""

    zh = "只读取一次正文，其余部分被忽略。"

    class onvif_class(OnvifService):
        async def body_of(self, request: web.BaseRequest, limit: int) -> bytes:
            return await request.content.readany()


@mutant(violates="ONV-ROB-09", declaration="onvif")
class OneRequestAConnection(Camera):
    """A connection is closed after its first request, though the answer says that it is kept."""

    zh = "应答声明保持连接，却在第一个请求之后断开。"

    class onvif_class(OnvifService):
        async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
            response = await super()._serve(request)
            response.headers["Connection"] = "keep-alive"
            response.force_close()
            return response


@mutant(violates="ONV-ROB-10", declaration="onvif")
class DeepNestingEndsIt(Camera):
    """Deep nesting overflows the stack of the parser, and the service is gone."""

    zh = "深层嵌套使解析器栈溢出，服务退出。"

    class onvif_class(OnvifService):
        def read(self, data: bytes) -> Envelope:
            if data.count(b"<a>") > DEEPEST:
                self.end = asyncio.get_running_loop().create_task(self.stop())
            return super().read(data)


@mutant(violates="ONV-ROB-11", declaration="onvif")
class OneAtATime(Camera):
    """Requests are read one after the other, each to its end."""

    zh = "逐个读取请求，前一个未完成时其他请求等待。"

    class onvif_class(OnvifService):
        def __init__(self, camera: Camera) -> None:
            super().__init__(camera)
            self.turn = asyncio.Lock()

        async def body_of(self, request: web.BaseRequest, limit: int) -> bytes:
            async with self.turn:
                return await super().body_of(request, limit)


@mutant(violates="ONV-ROB-12", declaration="onvif")
class ActionParameterRefused(Camera):
    """A Content-Type with the parameter action is refused."""

    zh = "拒绝带 action 参数的 Content-Type。"

    class onvif_class(OnvifService):
        async def answer(self, request: HttpRequest, user: User | None = None) -> HttpResponse:
            if "action=" in (request.headers.get("Content-Type") or ""):
                return HttpResponse.build(415, "Unsupported Media Type")
            return await super().answer(request, user)


@mutant(violates="ONV-ROB-13", declaration="onvif")
class ByteOrderMarkRefused(Camera):
    """A byte order mark before the document counts as text before its root."""

    zh = "把文档前的字节顺序标记当作多余的文本。"

    class onvif_class(OnvifService):
        def read(self, data: bytes) -> Envelope:
            if data.startswith(BOM_UTF8):
                raise OnvifFault(SENDER, "ter:WellFormed", reason="There is text before the root")
            return super().read(data)
