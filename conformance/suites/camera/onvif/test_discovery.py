"""ONV-DIS-01 to ONV-DIS-06: finding the device."""

from __future__ import annotations

import asyncio
from functools import partial

from conformance.model.checks import Checks, say
from conformance.peers.onvif.answer import Answer
from conformance.peers.onvif.onvif import Onvif
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.protocols import ws_discovery
from conformance.protocols.soap import element, envelope
from conformance.protocols.ws_discovery import DEVICE, TRANSMITTER, Target
from conformance.suites.camera.onvif.device_steps import answered, good, not_offered
from conformance.suites.camera.onvif.discovery_steps import found, probe
from specs.model import Limit

KNOWN_TYPES = {TRANSMITTER: "dn:NetworkVideoTransmitter", DEVICE: "tds:Device"}
FOREIGN_TYPE = "dn:NetworkVideoDisplay"
FOREIGN_SCOPE = "onvif://www.onvif.org/hardware/kandian-no-such-hardware"
MATCH = say("ProbeMatches", "ProbeMatches")
SILENCE = say("没有应答", "no answer")


def judge_target(check: Checks, requirement: str, target: Target) -> None:
    """The fields that every match has."""
    check.true(requirement, bool(target.endpoint), say("端点地址", "an endpoint"), target.endpoint)
    known = sorted(str(name) for name in target.types if name in KNOWN_TYPES)
    told = ", ".join(str(name) for name in target.types)
    check.true(requirement, bool(known), " | ".join(KNOWN_TYPES.values()), told, "Types")
    check.true(requirement, bool(target.addresses), say("至少一个地址", "an address"), target.addresses, "XAddrs")
    check.true(requirement, target.version is not None, say("一个整数", "a number"), target.version, "MetadataVersion")


@verifies("ONV-DIS-01")
async def test_unicast(onvif: Onvif, check: Checks, limits: Limits) -> None:
    """Asked alone."""
    check.step("s1")
    within = limits("ONV-DIS-01").answer_wait
    target, replies = await probe(onvif, within)
    if not check.true("ONV-DIS-01", target is not None, MATCH, replies.summary) or target is None:
        return
    check.step("s2")
    judge_target(check, "ONV-DIS-01", target)
    if replies.delay is not None:
        check.within("ONV-DIS-01", replies.delay, within, say("应答时间", "time to the answer"))


@verifies("ONV-DIS-02")
async def test_multicast(onvif: Onvif, check: Checks, limits: Limits) -> None:
    """Asked among all."""
    within = limits("ONV-DIS-02").answer_wait
    check.step("s1")
    alone = await found(onvif, check, within)
    check.step("s2")
    target, replies = await probe(onvif, within, group=True)
    if not check.true("ONV-DIS-02", target is not None, MATCH, replies.summary) or target is None or alone is None:
        return
    check.step("s3")
    judge_target(check, "ONV-DIS-02", target)
    check.equal("ONV-DIS-02", target.endpoint, alone.endpoint, say("端点地址", "endpoint"))


def prefix_of(scope: str) -> str:
    """A scope without its last segment."""
    return scope.rpartition("/")[0]


async def silent(onvif: Onvif, check: Checks, requirement: str, watch: Limit, asked: list[tuple[str, str]]) -> None:
    """Probes for types and scopes that the device does not have draw nothing."""
    searcher, to = onvif.searcher, onvif.discovery_address
    calls = [searcher.probe(to, types, [scope] if scope else [], within=watch.seconds) for types, scope in asked]
    for (types, scope), replies in zip(asked, await asyncio.gather(*calls), strict=True):
        check.true(requirement, not replies.matches, SILENCE, replies.summary, f"{types} {scope}".strip())


@verifies("ONV-DIS-03")
async def test_matching(onvif: Onvif, check: Checks, limits: Limits) -> None:
    """What it is, and what it is not."""
    numbers = limits("ONV-DIS-03")
    check.step("s1")
    target = await found(onvif, check, numbers.answer_wait)
    if target is None:
        return
    check.step("s2")
    named = [KNOWN_TYPES[name] for name in target.types if name in KNOWN_TYPES]
    scopes = [*target.scopes, *(prefix_of(scope) for scope in target.scopes[:1])]
    for types, scope in [*((name, "") for name in named), *(("", scope) for scope in scopes)]:
        match, replies = await probe(onvif, numbers.answer_wait, types, [scope] if scope else [])
        check.true("ONV-DIS-03", match is not None, MATCH, replies.summary, types or scope)
    check.step("s3")
    await silent(onvif, check, "ONV-DIS-03", numbers.watch, [(FOREIGN_TYPE, ""), ("", FOREIGN_SCOPE)])


def bad_messages(message_id: str) -> dict[str, bytes]:
    """Datagrams that are no Probe, by what is wrong with them."""
    good_one = ws_discovery.probe(message_id)
    without_id = envelope(
        element("d:Probe"),
        element("a:To", ws_discovery.TO) + element("a:Action", f"{ws_discovery.WSD}/Probe"),
        prefixes={"env": "", "a": ws_discovery.WSA, "d": ws_discovery.WSD},
    )
    return {
        "no XML": b"\x00\xff not xml",
        "cut short": good_one[: len(good_one) // 2],
        "no envelope": b"<Probe/>",
        "no MessageID": without_id,
        "another action": good_one.replace(b"discovery/Probe<", b"discovery/Bye<"),
    }


@verifies("ONV-DIS-04")
async def test_invalid_messages(onvif: Onvif, check: Checks, limits: Limits) -> None:
    """Noise."""
    numbers = limits("ONV-DIS-04")
    check.step("s1")
    searcher, to = onvif.searcher, onvif.discovery_address
    message_id = searcher.new_id()
    messages = bad_messages(message_id)
    watch = numbers.watch.seconds
    calls = [searcher.send(data, message_id, to, within=watch) for data in messages.values()]
    for name, replies in zip(messages, await asyncio.gather(*calls), strict=True):
        answers = [one for one in replies.heard if one.message is not None and one.message.kind == "ProbeMatches"]
        check.true("ONV-DIS-04", not answers, SILENCE, replies.summary, name)
    check.step("s2")
    await found(onvif, check, numbers.answer_wait)


@verifies("ONV-DIS-05")
async def test_agreement(onvif: Onvif, check: Checks, limits: Limits) -> None:
    """The same by two ways."""
    check.step("s1")
    target = await found(onvif, check, limits("ONV-DIS-05").answer_wait)
    answer = await onvif.call("device", "GetScopes")
    if target is None or not good(check, answer):
        return
    check.step("s2")
    scopes = sorted(node.value("ScopeItem") or "" for node in answer.all("Scopes"))
    check.equal("ONV-DIS-05", sorted(target.scopes), scopes, say("范围", "scopes"))
    check.step("s3")
    reached = []
    for address in target.addresses:
        if address.startswith(("http://", "https://")):
            reached.append(await onvif.call("device", "GetSystemDateAndTime", auth="none", url=address))
    expected = say("有一个地址可访问", "one of the addresses answers")
    told = "; ".join(f"{a}: {r.summary}" for a, r in zip(target.addresses, reached, strict=False))
    check.true("ONV-DIS-05", any(one.ok for one in reached), expected, told, "XAddrs")


async def set_mode(onvif: Onvif, name: str) -> Answer:
    """SetDiscoveryMode."""
    return await onvif.call("device", "SetDiscoveryMode", f"<tds:DiscoveryMode>{name}</tds:DiscoveryMode>")


@verifies("ONV-DIS-06")
async def test_mode(onvif: Onvif, check: Checks, limits: Limits) -> None:
    """Hidden, and back."""
    numbers = limits("ONV-DIS-06")
    mode = await onvif.call("device", "GetDiscoveryMode")
    if not_offered(mode):
        check.not_applicable("ONV-DIS-06", say("设备没有发现模式", "the device has no discovery mode"))
        return
    onvif.undo(partial(set_mode, onvif, mode.value("DiscoveryMode") or "Discoverable"))
    check.step("s1")
    await set_mode(onvif, "Discoverable")
    if await found(onvif, check, numbers.answer_wait, group=True) is None:
        return
    for step, name in (("s2", "NonDiscoverable"), ("s3", "Discoverable")):
        check.step(step)
        answered(check, "ONV-DIS-06", await set_mode(onvif, name))
        hidden = name == "NonDiscoverable"
        target, replies = await probe(onvif, numbers.watch if hidden else numbers.answer_wait, group=True)
        expected = SILENCE if hidden else MATCH
        check.true("ONV-DIS-06", (target is None) == hidden, expected, replies.summary, name)
