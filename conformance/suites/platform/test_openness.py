"""IF-OPN-01, IF-OPN-02: devices of every vendor, and clients with habits of their own, get the same from a platform."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from conformance.model.checks import Checks, say
from conformance.peers.platform.adapter import Adapter
from conformance.peers.platform.bench import PlatformBench
from conformance.peers.platform.device import DevicePeer
from conformance.peers.platform.device_connection import Dress, plain
from conformance.peers.platform.device_identity import DeviceIdentity
from conformance.peers.platform.phone import Phone, Phones
from conformance.peers.platform.push_sink import PushSink
from conformance.peers.platform.reply import Reply, flaws
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.protocols.http_answer import HttpAnswer
from conformance.protocols.raw_request import RawRequest
from conformance.suites.platform.alarm_steps import KINDS, Bell, arrival, bell_of, shown
from conformance.suites.platform.device_steps import BEATS, offline_time, until_shown
from specs.client_api import Operation
from specs.declared_platform import ProvisionedDevice, User

EMPTY = re.compile(rb"<(\w+)></\1>")
DECLARATION = re.compile(rb"^<\?xml [^>]*\?>")
BETWEEN = re.compile(rb"(?<=>)(?=<)")
#: Three requests before the sequence begins anew.
NEARLY_ROUND = 0xFFFC


def other_writing(xml: bytes) -> bytes:
    """The same document as another XML library writes it: line breaks between elements, short empty elements."""
    bare = EMPTY.sub(rb"<\1/>", DECLARATION.sub(b"", xml))
    return b"<?xml version='1.0' encoding='UTF-8'?>\n" + BETWEEN.sub(b"\n", bare)


@dataclass(frozen=True, slots=True)
class Trait:
    """What a device of a vendor is like. ``about``: in a word; ``sequence``: where its sequence stands at first."""

    about: str
    device: ProvisionedDevice
    dress: Dress = plain
    sequence: int = 0


def maker(device: ProvisionedDevice) -> str:
    """The manufacturer number."""
    return device.dev_id[:3]


def traits_of(devices: tuple[ProvisionedDevice, ...]) -> list[Trait]:
    """One bound device of every manufacturer and model, and the first of them with other habits."""
    found: dict[tuple[str, str], ProvisionedDevice] = {}
    for device in devices:
        if device.owner:
            found.setdefault((maker(device), device.model), device)
    traits = [Trait(f"{maker} {model}", device) for (maker, model), device in found.items()]
    first = traits[0].device if traits else None
    if first is not None:
        traits.append(Trait("another XML library", first, other_writing))
        traits.append(Trait("sequence about to begin anew", first, sequence=NEARLY_ROUND))
    return traits


@verifies("IF-OPN-01")
async def test_vendors(platform: PlatformBench, phones: Phones, check: Checks, limits: Limits) -> None:
    """Every vendor's device comes online, and its owner does with it what owners do."""
    limit = limits("IF-OPN-01")
    traits = traits_of(platform.loaded.devices)
    if len({maker(trait.device) for trait in traits}) < 2:
        few = say("声明中没有两个厂商的已绑定设备", "the declaration has no bound devices of two manufacturers")
        check.inconclusive("IF-OPN-01", few)
        return
    check.step("s1")
    results: list[dict[str, str]] = []
    for trait in traits:
        device = platform.devices.new(DeviceIdentity.of(trait.device))
        device.dress, device.first_sequence = trait.dress, trait.sequence
        results.append(await _served(platform, phones, device, trait.device.owner, limit))
        device.leave()
    whole = all(text.startswith("2") for name, text in results[0].items() if name not in DEVICE_SIDE)
    told = "; ".join(f"{name}: {text}" for name, text in results[0].items())
    if not check.control(whole and results[0]["online"] == "True", say(f"首台设备业务正常: {told}", told)):
        return
    check.step("s2")
    for trait, found in zip(traits[1:], results[1:], strict=True):
        for name, text in found.items():
            expected = results[0][name]
            check.equal("IF-OPN-01", text, expected, say(f"{trait.about}: {name}", f"{trait.about}: {name}"))


DEVICE_SIDE = ("online", "shown", "heartbeat", "alarm")


async def _served(
    platform: PlatformBench, phones: Phones, device: DevicePeer, owner: str, limit: Limits
) -> dict[str, str]:
    """How everything ended that can be done with a device, by name; the commands that reached it stand with it."""
    user = phones.user(owner)
    phone = await phones.logged_in(user) if user else phones.new()
    dev_id = device.identity.dev_id
    found = {"online": str(await device.come_online())}
    device.beat(offline_time(platform) * BEATS)
    seen = await until_shown(phone, dev_id, True, limit.settle.seconds, limit.look.seconds)
    found["shown"] = str(seen is not None)
    found["heartbeat"] = str(await device.heartbeat() is not None)
    place = {"channel": 0, "stream": 1}
    calls: tuple[tuple[str, Any, dict[str, int] | None], ...] = (
        ("setVideo", {"bitRate": 8}, place),
        ("video", None, place),
        ("ptz", {"channel": 0, "direction": "left"}, None),
        ("ptz", {"channel": 0, "direction": "stop"}, None),
        ("setAlarmSwitch", {"armed": True}, {"channel": 0, "type": 1}),
        ("storage", None, None),
        ("play", {"channel": 0, "stream": 1}, None),
    )
    for name, body, query in calls:
        start = len(device.heard)
        reply = await phone.call(name, body, query=query, terminal=dev_id)
        reached = " ".join(heard.name for heard in device.heard[start:])
        found[f"{name} {body or ''}".strip()] = f"{reply.status} {reply.error} {reached}".strip()
    rung = await Bell(device).ring()
    kept = await shown(phone, rung, limit.settle.seconds, limit.look.seconds)
    found["alarm"] = f"{rung.taken} {len(kept)}"
    return found


Habit = Callable[[RawRequest], RawRequest]


class Habits:
    """A client program with a habit of its own, in front of the adapter of the platform."""

    def __init__(self, inner: Adapter, habit: Habit) -> None:
        self._inner, self._habit = inner, habit

    def outgoing(self, operation: Operation, path: Mapping[str, str], request: RawRequest) -> RawRequest:
        """The request as this client writes it."""
        return self._habit(self._inner.outgoing(operation, path, request))

    def incoming(self, operation: Operation, answer: HttpAnswer) -> HttpAnswer:
        """The answer as it is."""
        return self._inner.incoming(operation, answer)


def as_it_is(request: RawRequest) -> RawRequest:
    """Nothing of its own."""
    return request


def small_names(request: RawRequest) -> RawRequest:
    """Header names in lower case, and headers that only this client knows (RFC 7230 3.2)."""
    own = (("user-agent", "kandian/1"), ("accept-language", "zh-CN"), ("x-client-build", "17"))
    return replace(request, headers=(*((name.lower(), text) for name, text in request.headers), *own))


def large_names(request: RawRequest) -> RawRequest:
    """Header names in capitals, the scheme of the session in small letters (RFC 7235 2.1)."""
    changed = [(name.upper(), re.sub(r"^Bearer ", "bearer ", text)) for name, text in request.headers]
    return replace(request, headers=tuple(changed))


def spaced_json(request: RawRequest) -> RawRequest:
    """JSON with space, in another order, with escapes (RFC 8259 2, 4, 7), and a charset in its type."""
    if not request.body:
        return request
    value = json.loads(request.body)
    turned = dict(reversed(value.items())) if isinstance(value, dict) else value
    body = re.sub(r"[A-Za-z](?=[^\"]*\"\s*:)", _escaped, json.dumps(turned, indent=2), count=1).encode()
    told = {"content-length": str(len(body)), "content-type": "application/json; charset=utf-8"}
    headers = tuple((name, told.get(name.lower(), text)) for name, text in request.headers)
    return replace(request, headers=headers, body=body)


def _escaped(found: re.Match[str]) -> str:
    return f"\\u{ord(found.group()):04x}"


def closing(request: RawRequest) -> RawRequest:
    """A connection for every request (RFC 7230 6.1)."""
    return replace(request, headers=(*request.headers, ("Connection", "close")))


HABITS: tuple[tuple[str, Habit], ...] = (
    ("plain", as_it_is),
    ("header names in lower case, headers of its own", small_names),
    ("header names in capitals", large_names),
    ("JSON written otherwise", spaced_json),
    ("a connection for every request", closing),
)


@verifies("IF-OPN-02")
async def test_clients(
    platform: PlatformBench, owner: Phone, phones: Phones, push: PushSink, check: Checks, limits: Limits
) -> None:
    """Login, list, play address and alarm, by clients that write HTTP and JSON in different ways."""
    limit = limits("IF-OPN-02")
    bell = await bell_of(platform, check, owner, "IF-OPN-02")
    if bell is None or owner.user is None:
        return
    for number, (about, habit) in enumerate(HABITS):
        check.step("s1")
        phone = phones.new()
        phone.adapter = Habits(phone.adapter, habit)
        replies, came = await _day(phone, owner.user, bell, push, KINDS[number % len(KINDS)], limit)
        failed = [reply.summary for reply in replies if not reply.ok]
        if number == 0 and not check.control(
            came and not failed, say(f"基准客户端 {failed}", f"the plain one {failed}")
        ):
            return
        check.equal("IF-OPN-02", failed, [], say(f"失败的请求: {about}", f"requests that fail: {about}"))
        check.true("IF-OPN-02", came, say("收到告警", "the alarm arrives"), came, about)
        check.step("s2")
        wrong = [f"{reply.operation.id}: {flaw}" for reply in replies for flaw in flaws(phone.api, reply)]
        fits = say(f"应答与定义不符之处: {about}", f"what does not fit the definition: {about}")
        check.equal("IF-OPN-02", wrong, [], fits)


async def _day(
    phone: Phone, user: User, bell: Bell, push: PushSink, kind: int, limit: Limits
) -> tuple[list[Reply], bool]:
    """What a client does in a day, and whether the alarm came."""
    terminal, box = bell.device.identity.dev_id, push.box()
    replies = [
        await phone.login(user),
        await phone.call("shops"),
        await phone.call("terminalListed", query={"page": 1, "size": 20}),
        await phone.call("terminalShow", terminal=terminal),
        await phone.call("play", {"channel": 0, "stream": 1}, terminal=terminal),
        await phone.call("registerPush", box.registration),
    ]
    rung = await bell.ring(kind)
    came = await arrival(box, rung, limit.arrive.seconds) is not None
    replies.append(await phone.call("alarms", query={"terminal": terminal, "size": 1}))
    replies.append(await phone.call("forgetPush"))
    replies.append(await phone.call("logout"))
    return replies, came
