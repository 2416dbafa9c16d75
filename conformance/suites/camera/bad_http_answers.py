"""HTTP answers to REDIRECT and REGISTER that must count as failure; each names an address that nobody may use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from conformance.peers.answers import Answer, Reply, changed, without
from conformance.protocols.http_message import HttpResponse, serialize_response
from conformance.protocols.tykd_message import encode_message
from conformance.wire import Stream, Wire
from specs.messages import MessageTable

NAMES = ("500", "302", "html", "no-address", "no-result", "cut", "overlong", "no-xml", "unlisted-result")
OK, FOUND, ERROR = 200, 302, 500
STATUS = {"500": ERROR, "302": FOUND}


def bad_answer(
    name: str, table: MessageTable, command: str, address: Mapping[str, str], overlong: int, unlisted: int
) -> Answer:
    """The answer of that name. ``address``: elements that lead to a trap; ``overlong``: bytes of filler;
    ``unlisted``: a Result that no table knows."""
    if name == "no-address":
        return without(*address)
    if name == "no-result":
        return lambda reply: without("Result")(changed(**address)(reply)[0])
    if name == "unlisted-result":
        return changed(**address, Result=str(unlisted))

    def answer(reply: Reply) -> list[Reply]:
        xml = encode_message(table, command, "response", {**reply.values, **address}, check=False)
        headers = {"Content-Type": "text/xml;charset=UTF-8", "Connection": "close"}
        if name == "302":
            headers["Location"] = address.get("LcmsUrl") or f"http://{address['NatIP']}:{address['NatPort']}/"
        response = HttpResponse.build(STATUS.get(name, OK), "-", headers, _body(name, xml, overlong))
        return [replace(reply, raw=serialize_response(response))]

    return answer


def _body(name: str, xml: bytes, overlong: int) -> bytes:
    if name == "html":
        return b"<html><body>It works!</body></html>"
    if name == "no-xml":
        return b"OK"
    if name == "cut":
        return xml[: len(xml) * 2 // 3]
    if name == "overlong":
        end = xml.rindex(b"</")
        return xml[:end] + b"<!--" + b"x" * overlong + b"-->" + xml[end:]
    return xml


class Trap:
    """A port that an unusable answer names and that nobody may visit."""

    def __init__(self, wire: Wire, host: str) -> None:
        self.visits: list[str] = []
        self.host, self.port = host, 0
        self._wire = wire

    async def set(self) -> Trap:
        """Listen."""
        listener = await self._wire.listen(self.host, 0, self._visit, label="trap")
        self.port = listener.port
        self.close = listener.close
        return self

    async def _visit(self, stream: Stream) -> None:
        self.visits.append(f"{stream.peer[0]}:{stream.peer[1]}")
        stream.close()

    @property
    def register_address(self) -> dict[str, str]:
        """Elements of REGISTER_RES."""
        names = ("NatIP", "NatPort", "BackupNatIP", "BackupNatPort")
        return dict(zip(names, (self.host, str(self.port)) * 2, strict=True))

    @property
    def redirect_address(self) -> dict[str, str]:
        """Elements of REDIRECT_RES."""
        return {"LcmsUrl": f"http://{self.host}:{self.port}/"}
