"""A consumer of base notifications (WS-BaseNotification 1.3): an HTTP address that takes Notify messages."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from conformance.peers.history import History
from conformance.protocols.http_message import HttpRequest, HttpRequestParser, HttpResponse, serialize_response
from conformance.protocols.onvif_events import Notification, read_notifications
from conformance.protocols.soap import SoapError, XmlError, read_envelope
from conformance.protocols.violation import CodecError
from conformance.wire import Closed, Expired, Listener, Reset, Stream, Wire

LABEL = "onvif-notify"
PATH = "/notify"
HTTP_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Notified:
    """One request that came. ``messages``: its notification messages; ``flaw``: why they cannot be read."""

    at: float
    request: HttpRequest
    messages: tuple[Notification, ...]
    flaw: str = ""


class EventReceiver:
    """``received``: what came, in order. ``patience``: seconds that a connection may be silent."""

    def __init__(self, wire: Wire, patience: float) -> None:
        self.wire = wire
        self.received: History[Notified] = History(wire, "Notify")
        self.url = ""
        self._patience = patience
        self._listener: Listener | None = None

    async def open(self, device_url: str, within: float) -> EventReceiver:
        """Listen at our address on the way to the device. Raises Refused, Expired."""
        parts = urlsplit(device_url)
        port = parts.port or HTTP_PORTS.get(parts.scheme, 80)
        way = await self.wire.connect(parts.hostname or "", port, label=f"{LABEL} way", within=within)
        host = way.local[0]
        way.close()
        self._listener = await self.wire.listen(host, 0, self._serve, label=LABEL)
        name = f"[{host}]" if ":" in host else host
        self.url = f"http://{name}:{self._listener.port}{PATH}"
        return self

    def close(self) -> None:
        """Stop listening."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    async def _serve(self, stream: Stream) -> None:
        parser = HttpRequestParser()
        try:
            while chunk := await stream.read(within=self._patience):
                if not chunk.data:
                    return
                for request in parser.feed(chunk.data):
                    self.received.note(_notified(request, chunk.at))
                    stream.write(_answer(202, "Accepted"))
        except CodecError:
            stream.write(_answer(400, "Bad Request"))
        except (Reset, Closed, Expired):
            return
        finally:
            stream.close()

    @property
    def messages(self) -> list[Notification]:
        """Every notification message that came."""
        return [message for notified in self.received for message in notified.messages]


def _notified(request: HttpRequest, at: float) -> Notified:
    try:
        first = read_envelope(request.body).first
    except (SoapError, XmlError) as error:
        return Notified(at, request, (), error.explain)
    return Notified(at, request, tuple(read_notifications(first)) if first is not None else ())


def _answer(status: int, reason: str) -> bytes:
    return serialize_response(HttpResponse.build(status, reason, (("Content-Length", "0"),), b""))
