"""Steps that the registration and login tests share: restarts, requests over HTTP, coming back after a loss."""

from __future__ import annotations

import asyncio
from typing import Any, TypeVar

from conformance.peers.device_control import DeviceControl
from conformance.peers.device_link import DeviceLink, Received
from conformance.peers.faults import DeviceFault, NoAnswer
from conformance.peers.history import History
from conformance.peers.province import Province
from conformance.peers.registrar import HttpReceived
from specs.condition import parse_condition
from specs.declaration import LoadedDeclaration
from specs.messages import MessageTable
from specs.model import SECONDS, Limit

T = TypeVar("T")
U = TypeVar("U")


def longest(limit: Limit) -> float:
    """The longest time in seconds that a limit allows, measurement uncertainty allowed for."""
    return limit.seconds + limit.uncertainty * SECONDS[limit.unit]


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


async def arrival(history: History[T], count: int, within: float) -> T | None:
    """The arrival of that number, or None when it does not come in time."""
    try:
        return await history.reach(count, within)
    except NoAnswer:
        return None


async def first_of(one: History[T], other: History[U], within: float) -> None:
    """Wait for the next arrival in either history, or until the time is over."""
    waits: set[asyncio.Future[Any]] = {
        asyncio.ensure_future(arrival(one, len(one) + 1, within)),
        asyncio.ensure_future(arrival(other, len(other) + 1, within)),
    }
    _, pending = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in pending:
        wait.cancel()


async def message(province: Province, name: str, within: float) -> Received | None:
    """The next message of that name, or None when it does not come in time."""
    try:
        return await province.next(name, within=within)
    except NoAnswer:
        return None


async def online(province: Province, within: float) -> DeviceLink | None:
    """The connection on which the device is or comes online, or None when it does not in time."""
    try:
        return await province.online(within=within)
    except DeviceFault:
        return None


async def relogin(province: Province) -> Received:
    """Close the connection from the platform's side and wait for the next LOGIN. Raises DeviceFault."""
    wait = province.limits["back_online_wait"].seconds
    (await province.online(within=wait)).close()
    return await province.next("LOGIN", within=wait)


async def answers_again(province: Province, within: float) -> float | None:
    """Seconds until the device answers a query; None when it does not within ``within`` seconds.

    A connection may look alive long after the network was cut, so only an answer counts.
    """
    started = province.wire.now()
    attempt = province.limits["answer_wait"].seconds
    while (rest := started + within - province.wire.now()) > 0:
        try:
            exchanged = await province.command("STORE_QUERY", within=min(rest, attempt))
        except DeviceFault:
            continue
        return exchanged.answered_at - started
    return None


def allowed_values(table: MessageTable, command: str, element: str, declaration: LoadedDeclaration) -> set[str]:
    """Values of an enumerated element that the declaration leaves open."""
    found = table.command(command).request.element(element).enum
    return {str(value.value) for value in found if parse_condition(value.when)(declaration.features) is not False}


def request_faults(
    received: HttpReceived, table: MessageTable, declaration: LoadedDeclaration, manufacturer_length: int
) -> list[str]:
    """Everything wrong with one REDIRECT or REGISTER request: HTTP, elements, their order and declared values."""
    request, found = received.request, received.message
    lengths = request.headers.all("Content-Length")
    faults = [violation.explain for violation in request.violations]
    if (request.method, request.version) != ("POST", "HTTP/1.1"):
        faults.append(f"{request.method} {request.version}")
    if lengths != (str(len(request.body)),):
        faults.append(f"Content-Length {', '.join(lengths) or 'missing'} for {len(request.body)} bytes")
    if request.headers.get("Content-Type").partition(";")[0].strip().lower() != "text/xml":
        faults.append(f"Content-Type {request.headers.get('Content-Type')!r}")
    if found is None:
        return [*faults, str(received.error)]
    faults += [f"{violation.rule}: {violation.explain}" for violation in found.violations]
    device = declaration.declaration.device
    declared = {"ManufacturerNo": device.dev_id[:manufacturer_length], "Mode": device.model, "DevID": device.dev_id}
    faults += [
        f"{n} {found.get(n)!r}, declared {text!r}" for n, text in declared.items() if text and text != found.get(n)
    ]
    if declaration.key and found.get("DevKey") != declaration.key:
        faults.append("DevKey is not the declared one")
    types = allowed_values(table, found.name, "DevType", declaration)
    if found.get("DevType") not in types:
        faults.append(f"DevType {found.get('DevType')!r}, declared {', '.join(sorted(types))}")
    return faults
