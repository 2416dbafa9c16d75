"""Steps that the registration and login tests share: restarts, bad HTTP answers, coming back after a loss."""

from __future__ import annotations

from conformance.peers.answers import Answer, changed, raw, without
from conformance.peers.device_control import DeviceControl
from conformance.peers.faults import BenchFault, DeviceFault
from conformance.peers.province import Province
from conformance.peers.registrar import HttpReceived, HttpStep, Registrar
from conformance.protocols.http_message import HttpResponse, serialize_response
from conformance.protocols.tykd_message import encode_message
from specs.declaration import LoadedDeclaration
from specs.messages import MessageTable
from specs.model import Limit

DEVICE_TYPES = {"camera": "1", "dvr": "2", "nvr": "3"}
HTML = b"<html><body>moved</body></html>"


def longest(limit: Limit) -> float:
    """The longest time that a limit allows in seconds, measurement uncertainty allowed for."""
    return limit.seconds + limit.uncertainty


async def restart(province: Province) -> float:
    """Restart the device by command. Returns when the answer came. Raises DeviceFault."""
    exchanged = await province.command("REBOOT")
    if exchanged.result != 0:
        raise DeviceFault(f"重启命令的结果为 {exchanged.result}", f"the reboot was answered {exchanged.result}")
    return exchanged.answered_at


async def hurry(control: DeviceControl, declaration: LoadedDeclaration) -> None:
    """Cut short a long pause of the device by its supply, where the bench has that control; else nothing happens."""
    if "power" in declaration.declaration.controls.available:
        await control.do("power", state="off")
        await control.do("power", state="on")


async def answers_again(province: Province, within: float) -> float | None:
    """Seconds until the device answers a query, at most ``within``; None when it does not.

    A connection may look alive long after the network was cut, so only an answer counts.
    """
    started = province.wire.now()
    attempt = province.limits["answer_wait"].seconds
    while (rest := started + within - province.wire.now()) > 0:
        try:
            exchanged = await province.command("STORE_QUERY", within=min(rest, attempt))
        except DeviceFault:
            if province.link is not None:
                await province.wire.sleep(min(rest, province.limits["retry_pause"].seconds))
            continue
        return exchanged.answered_at - started
    return None


def expected_identity(declaration: LoadedDeclaration, manufacturer_length: int) -> dict[str, str]:
    """Elements of REDIRECT and REGISTER as the declaration has them; what it leaves open is left out."""
    device = declaration.declaration.device
    known = {
        "ManufacturerNo": device.dev_id[:manufacturer_length],
        "Mode": device.model,
        "DevType": DEVICE_TYPES.get(str(declaration.features.get("type")), ""),
        "DevID": device.dev_id,
        "DevKey": declaration.key,
    }
    return {name: text for name, text in known.items() if text}


def request_faults(received: HttpReceived, expected: dict[str, str], secret: str = "DevKey") -> list[str]:
    """Everything wrong with one REDIRECT or REGISTER request: HTTP, elements, their order and values."""
    request = received.request
    lengths = request.headers.all("Content-Length")
    faults = [violation.explain for violation in request.violations]
    if (request.method, request.version) != ("POST", "HTTP/1.1"):
        faults.append(f"{request.method} {request.version}")
    if lengths != (str(len(request.body)),):
        faults.append(f"Content-Length {lengths} for {len(request.body)} bytes")
    if not request.headers.get("Content-Type").lower().replace(" ", "").startswith("text/xml"):
        faults.append(f"Content-Type {request.headers.get('Content-Type')!r}")
    if received.message is None:
        return [*faults, str(received.error)]
    faults += [f"{violation.rule}: {violation.explain}" for violation in received.message.violations]
    for name, text in expected.items():
        found = received.message.get(name)
        if found != text:
            faults.append(f"{name} is not the declared one" if name == secret else f"{name} {found!r}, not {text!r}")
    return faults


class BadAnswers:
    """HTTP answers that must count as failure, each with an address that nobody may use."""

    def __init__(self, table: MessageTable, step: HttpStep, address: dict[str, str], overlong: int) -> None:
        self._table = table
        self._step = step
        self._address = address
        self._overlong = overlong

    def named(self, name: str) -> Answer:
        """One of ``names``."""
        if name == "no-address-element":
            return without(*list(self._address)[-1:])
        if name == "no-result":
            return lambda reply: without("Result")(changed(**self._address)(reply)[0])
        return lambda reply: raw(self._response(name, {**reply.values, **self._address}))(reply)

    @property
    def names(self) -> tuple[str, ...]:
        """Every bad answer."""
        return ("500", "302", "404-html", "no-address-element", "no-result", "cut", "overlong", "no-xml", "result-9")

    def _response(self, name: str, values: dict[str, str]) -> bytes:
        if name == "result-9":
            values = {**values, "Result": "9"}
        xml = encode_message(self._table, self._step.command, "response", values, check=False)
        status, headers = 200, {"Content-Type": "text/xml;charset=UTF-8", "Connection": "close"}
        if name in ("500", "302"):
            status = int(name)
            headers["Location"] = self._address.get("LcmsUrl") or f"http://{self._address.get('NatIP')}/"
        elif name == "404-html":
            status, xml = 404, HTML
        elif name == "cut":
            xml = xml[: len(xml) * 2 // 3]
        elif name == "overlong":
            end = xml.rindex(b"</")
            xml = xml[:end] + b"<!--" + b"x" * self._overlong + b"-->" + xml[end:]
        elif name == "no-xml":
            xml = b"OK"
        return serialize_response(HttpResponse.build(status, "Bad" if status != 200 else "OK", headers, xml))


async def move_registrar(registrar: Registrar) -> str:
    """The province platform listens on another port from now on. Returns its URL."""
    await registrar.stop()
    await registrar.start(registrar.host, 0)
    return registrar.url


def needs_power(declaration: LoadedDeclaration) -> bool:
    """Whether the bench can cut the supply of this device."""
    return "power" in declaration.declaration.controls.available


__all__ = [
    "BadAnswers",
    "BenchFault",
    "answers_again",
    "expected_identity",
    "hurry",
    "longest",
    "move_registrar",
    "needs_power",
    "request_faults",
    "restart",
]
