"""The gateway of phones that takes the pushes of a platform: each phone has an address of its own, and its manners."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from jsonschema import Draft202012Validator

from conformance.peers.faults import NoAnswer
from conformance.peers.history import History
from conformance.protocols.http_message import HttpRequest, HttpRequestParser, HttpResponse, serialize_response
from conformance.protocols.violation import CodecError
from conformance.wire import Closed, Listener, Reset, Stream, Wire
from specs.client_api import ClientApi

GATEWAY = "/push"
METHOD = "POST"
TAKEN, NO_ADDRESS, NO_METHOD, NO_LENGTH, AWAY = 200, 404, 405, 411, 503
REASONS = {
    TAKEN: "OK",
    NO_ADDRESS: "Not Found",
    NO_METHOD: "Method Not Allowed",
    NO_LENGTH: "Length Required",
    AWAY: "Service Unavailable",
}
PATIENCE = 10.0
SHOWN = 160


@dataclass(frozen=True, slots=True)
class Pushed:
    """One push. ``at``: seconds on the wire clock when it was there as a whole; ``content``: its body read as JSON,
    None where it is no object; ``status``: what it was answered, 0 for no answer."""

    at: float
    request: HttpRequest
    content: dict[str, Any] | None
    status: int

    @property
    def taken(self) -> bool:
        """Whether the gateway accepted it."""
        return self.status == TAKEN

    def told(self, name: str) -> Any:
        """What it says under a name, None for nothing."""
        return self.content.get(name) if self.content else None

    def flaws(self, api: ClientApi) -> list[str]:
        """What the document of the client interface does not allow; empty for a push that fits."""
        if self.content is None:
            return ["the body is no JSON object"]
        schema = api.schema({"$ref": "#/components/schemas/Push"})
        faults = Draft202012Validator(schema).iter_errors(self.content)
        return [f"{fault.json_path}: {fault.message[:SHOWN]}" for fault in faults]


@dataclass(slots=True)
class Manners:
    """How the gateway treats a phone's pushes. ``refusals``: how many of the next ones are answered 503, those of one
    ``kind`` where it is given; ``hanging``: none is answered, the connection stays open; ``dropping``: the connection
    is dropped instead of an answer."""

    refusals: int = 0
    kind: str = ""
    hanging: bool = False
    dropping: bool = False


class PushBox:
    """One phone at the gateway. ``token``, ``url``: what it registers with; ``received``: whatever came for it."""

    def __init__(self, wire: Wire, url: str, token: str) -> None:
        self.wire, self.url, self.token = wire, url, token
        self.manners = Manners()
        self.received: History[Pushed] = History(wire, "push")

    @property
    def registration(self) -> dict[str, str]:
        """The body of PUT /push."""
        return {"token": self.token, "url": self.url}

    @property
    def taken(self) -> list[Pushed]:
        """What was accepted."""
        return [pushed for pushed in self.received if pushed.taken]

    def about(self, kind: str, terminal: str = "") -> list[Pushed]:
        """The accepted pushes of a kind, of one terminal where it is given."""
        return [p for p in self.taken if p.told("kind") == kind and terminal in ("", p.told("terminal"))]

    async def reach_kind(self, kind: str, count: int, within: float) -> list[Pushed]:
        """Wait until so many of a kind have come, taken or not; those that have."""
        until = self.wire.now() + within
        while True:
            seen = len(self.received)
            found = [pushed for pushed in self.received if pushed.told("kind") == kind]
            if len(found) >= count or not await self.reach(seen + 1, max(0.0, until - self.wire.now())):
                return found

    async def reach(self, count: int, within: float) -> bool:
        """Wait until so many have come, taken or not; False when they do not."""
        try:
            await self.received.reach(count, within)
        except NoAnswer:
            return False
        return True


class PushSink:
    """An HTTP server; every answer ends its connection. ``url``: where a platform finds it that has one gateway for all
    phones and tells them apart by token; ``strays``: what came for nobody."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.host, self.port = "", 0
        self.boxes: list[PushBox] = []
        self.strays: list[Pushed] = []
        self._listener: Listener | None = None
        self._open: list[Stream] = []

    async def start(self, host: str, port: int) -> None:
        """Listen. Raises Refused when the address is taken."""
        self._listener = await self.wire.listen(host, port, self._serve, label="push gateway")
        self.host, self.port = self._listener.host, self._listener.port

    def stop(self) -> None:
        """Listen no longer, drop every connection."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        self.reset()

    def reset(self) -> None:
        """Forget every phone; connections that were left hanging are dropped."""
        for stream in self._open:
            stream.abort()
        self._open.clear()
        self.boxes.clear()
        self.strays.clear()

    @property
    def url(self) -> str:
        """The address of the gateway, empty where it does not listen."""
        return f"http://{self.host}:{self.port}{GATEWAY}" if self.port else ""

    def box(self, token: str = "") -> PushBox:
        """A phone at the gateway; ``token``: another than one of its own."""
        name = f"{self.wire.random.getrandbits(64):016x}"
        box = PushBox(self.wire, f"{self.url}/{name}", token or f"phone-{name}")
        self.boxes.append(box)
        return box

    async def _serve(self, stream: Stream) -> None:
        self._open.append(stream)
        parser = HttpRequestParser()
        try:
            while (chunk := await stream.read(within=PATIENCE)).data:
                for request in parser.feed(chunk.data):
                    if await self._take(stream, request, chunk.at):
                        self._leave(stream)
                    return
        except CodecError:
            self._answer(stream, NO_LENGTH)
            self._leave(stream)
        except (Reset, Closed, TimeoutError):
            self._leave(stream)
        else:
            self._leave(stream)

    def _leave(self, stream: Stream) -> None:
        stream.close()
        if stream in self._open:
            self._open.remove(stream)

    async def _take(self, stream: Stream, request: HttpRequest, at: float) -> bool:
        """Answer as the phone's manners say; False where the connection stays open without an answer."""
        content = _read(request.body)
        boxes = self._boxes_of(request, content)
        manners = boxes[0].manners if boxes else Manners()
        status = self._status(request, boxes, manners, str((content or {}).get("kind")))
        pushed = Pushed(at, request, content, status)
        for box in boxes:
            box.received.note(pushed)
        if not boxes:
            self.strays.append(pushed)
        if manners.hanging:
            return False
        if manners.dropping:
            stream.abort()
        else:
            self._answer(stream, status)
            await stream.drain()
        return True

    def _boxes_of(self, request: HttpRequest, content: dict[str, Any] | None) -> list[PushBox]:
        path, token = request.target.partition("?")[0], (content or {}).get("token")
        at_path = [box for box in self.boxes if box.url.endswith(path) and path != GATEWAY]
        return at_path or [box for box in self.boxes if box.token == token and path == GATEWAY]

    @staticmethod
    def _status(request: HttpRequest, boxes: Iterable[PushBox], manners: Manners, kind: str) -> int:
        if manners.hanging or manners.dropping:
            return 0
        if request.method != METHOD:
            return NO_METHOD
        if not boxes:
            return NO_ADDRESS
        if manners.refusals and manners.kind in ("", kind):
            manners.refusals -= 1
            return AWAY
        return TAKEN

    @staticmethod
    def _answer(stream: Stream, status: int) -> None:
        headers = (("Content-Length", "0"), ("Connection", "close"))
        try:
            stream.write(serialize_response(HttpResponse.build(status, REASONS[status], headers)))
        except (Closed, Reset):
            return


def _read(body: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
