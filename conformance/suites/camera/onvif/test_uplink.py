"""ONV-UPL-01 to ONV-UPL-05: connections that the device opens."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from conformance.model.checks import Checks, say
from conformance.peers.onvif.answer import Answer
from conformance.peers.onvif.onvif import ANY, PROBE, Onvif
from conformance.peers.onvif.uplink_listener import UPGRADE, Uplink, UplinkListener
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.protocols.safe_xml import text_content
from conformance.protocols.xml_names import Node
from conformance.suites.camera.onvif.device_steps import SECRET, answered, faulted, good, unauthorized

NO_SERVICE = say("设备没有上行连接服务", "the device has no uplink service")
NO_HTTPS = say("设备的上行连接不支持 https", "the device's uplinks do not support https")
PINGS_A_SILENCE = 4
NOWHERE = "https://192.0.2.1:9/kandian"


async def offers_uplinks(onvif: Onvif, check: Checks, requirement: str) -> bool:
    """Whether the device has uplinks by https; where not, it is not concerned."""
    if not onvif.has("uplink"):
        return check.not_applicable(requirement, NO_SERVICE)
    answer = await onvif.call("uplink", "GetServiceCapabilities")
    told = answer.body.at("Capabilities") if answer.body is not None else None
    protocols = (told.attribute("Protocols") or "") if told is not None else ""
    return "https" in protocols.split() or check.not_applicable(requirement, NO_HTTPS)


async def set_uplink(onvif: Onvif, address: str, level: str) -> Answer:
    """SetUplink; what is set is deleted after the test."""
    onvif.undo(lambda: delete_uplink(onvif, address))
    inside = f"<tup:RemoteAddress>{text_content(address)}</tup:RemoteAddress>"
    if onvif.declared.uplink_certificate:
        inside += f"<tup:CertificateID>{text_content(onvif.declared.uplink_certificate)}</tup:CertificateID>"
    inside += f"<tup:UserLevel>{level}</tup:UserLevel>"
    return await onvif.call("uplink", "SetUplink", f"<tup:Configuration>{inside}</tup:Configuration>")


async def delete_uplink(onvif: Onvif, address: str) -> Answer:
    """DeleteUplink."""
    body = f"<tup:RemoteAddress>{text_content(address)}</tup:RemoteAddress>"
    return await onvif.call("uplink", "DeleteUplink", body)


async def uplinks_to(onvif: Onvif, address: str) -> list[Node]:
    """The configurations with that address."""
    answer = await onvif.call("uplink", "GetUplinks")
    return [node for node in answer.all("Configuration") if node.value("RemoteAddress") == address]


@asynccontextmanager
async def listening(onvif: Onvif, limits: Limits) -> AsyncIterator[UplinkListener]:
    """A far end for uplinks, on the network of the device."""
    host = onvif.loaded.declaration.bench.host if onvif.interface == ANY else onvif.interface
    listener = UplinkListener(onvif.wire, host, onvif.limits, limits.silence.seconds / PINGS_A_SILENCE)
    await listener.start()
    try:
        yield listener
    finally:
        listener.stop()


async def ask(onvif: Onvif, uplink: Uplink, service: str, operation: str) -> Answer:
    """Ask for an operation over an uplink, without a login."""
    data = onvif.client.envelope(service, operation, auth="none")
    seconds = onvif.limits["answer_wait"].seconds
    path = onvif.client.target(service)
    return await uplink.post(path, data, service=service, operation=operation, within=seconds)


async def connected(onvif: Onvif, check: Checks, listener: UplinkListener, limits: Limits, level: str) -> Uplink | None:
    """Control leg: an uplink of that level comes up."""
    answer = await set_uplink(onvif, listener.url, level)
    uplink = await listener.connected(limits.connect_wait.seconds) if good(check, answer) else None
    flaws = "; ".join(one.flaw for one in listener.uplinks if one.flaw) or "-"
    check.control(uplink is not None, say(f"上行连接已建立: {flaws}", f"the uplink is up: {flaws}"))
    return uplink


@verifies("ONV-UPL-01")
async def test_configurations(onvif: Onvif, check: Checks) -> None:
    """One address, one entry."""
    if not await offers_uplinks(onvif, check, "ONV-UPL-01"):
        return
    for step, level in (("s1", "User"), ("s2", "Operator")):
        check.step(step)
        answered(check, "ONV-UPL-01", await set_uplink(onvif, NOWHERE, level))
        levels = [node.value("UserLevel") for node in await uplinks_to(onvif, NOWHERE)]
        check.equal("ONV-UPL-01", levels, [level], say(f"{NOWHERE} 的级别", f"levels of {NOWHERE}"))
    check.step("s3")
    answered(check, "ONV-UPL-01", await delete_uplink(onvif, NOWHERE))
    check.equal("ONV-UPL-01", len(await uplinks_to(onvif, NOWHERE)), 0, say("删除之后", "after it was deleted"))
    check.step("s4")
    answer = await delete_uplink(onvif, NOWHERE)
    faulted(check, "ONV-UPL-01", answer, "env:Sender", "ter:InvalidArgVal", "ter:Address")


@verifies("ONV-UPL-02")
async def test_connection(onvif: Onvif, check: Checks, limits: Limits) -> None:
    """The device comes to us, and serves."""
    if not await offers_uplinks(onvif, check, "ONV-UPL-02"):
        return
    numbers = limits("ONV-UPL-02")
    async with listening(onvif, numbers) as listener:
        check.step("s1")
        if not good(check, await set_uplink(onvif, listener.url, "User")):
            return
        check.step("s2")
        uplink = await listener.connected(numbers.connect_wait.seconds)
        first = listener.uplinks[0] if listener.uplinks else None
        asked = first.request if first is not None else None
        told = f"{asked.method} {asked.target}, Upgrade: {asked.headers.get('Upgrade')}" if asked else "-"
        flaw = f" ({first.flaw})" if first is not None and first.flaw else ""
        expected = say(f"TLS 连接，升级到 {UPGRADE}，HTTP/2 SETTINGS", f"TLS, upgrade to {UPGRADE}, SETTINGS of HTTP/2")
        if not check.true("ONV-UPL-02", uplink is not None, expected, told + flaw) or uplink is None:
            return
        check.step("s3")
        over, direct = await ask(onvif, uplink, *PROBE), await onvif.call(*PROBE)
        answered(check, "ONV-UPL-02", over)
        about = say("与直接调用相同的型号", "the same model as by a direct call")
        check.equal("ONV-UPL-02", over.value("Model"), direct.value("Model"), about)
        check.step("s4")
        states = [node.value("Status") for node in await uplinks_to(onvif, listener.url)]
        check.equal("ONV-UPL-02", states, ["Connected"], "Status")


@verifies("ONV-UPL-03")
async def test_user_level(onvif: Onvif, check: Checks, limits: Limits) -> None:
    """Who asks over an uplink is whom it was configured for."""
    if not await offers_uplinks(onvif, check, "ONV-UPL-03"):
        return
    numbers = limits("ONV-UPL-03")
    for step, level in (("s1", "User"), ("s2", "Administrator")):
        check.step(step)
        async with listening(onvif, numbers) as listener:
            uplink = await connected(onvif, check, listener, numbers, level)
            if uplink is None:
                return
            answered(check, "ONV-UPL-03", await ask(onvif, uplink, *PROBE), say(level, level))
            secret = await ask(onvif, uplink, *SECRET)
            if level == "User":
                about = say("级别 User 读取用户列表", "the list of users at the level User")
                unauthorized(check, "ONV-UPL-03", secret, about)
            else:
                answered(check, "ONV-UPL-03", secret, say(level, level))


@verifies("ONV-UPL-04")
async def test_silence(onvif: Onvif, check: Checks, limits: Limits) -> None:
    """Nothing is said any more."""
    if not await offers_uplinks(onvif, check, "ONV-UPL-04"):
        return
    numbers = limits("ONV-UPL-04")
    async with listening(onvif, numbers) as listener:
        check.step("s1")
        uplink = await connected(onvif, check, listener, numbers, "User")
        if uplink is None:
            return
        good(check, await ask(onvif, uplink, *PROBE))
        check.step("s2")
        before = listener.uplinks.index(uplink) + 1
        uplink.quiet = True
        check.step("s3")
        until = onvif.wire.now() + numbers.silence.seconds + numbers.close_slack.seconds
        while uplink.closed is None and onvif.wire.now() < until:
            await onvif.wire.sleep(onvif.limits["listening_step"].seconds)
        expected = say(
            f"静默 {numbers.silence.seconds:g} 秒后关闭", f"closed after {numbers.silence.seconds:g} s of silence"
        )
        observed = say("一直没有关闭", "it stays open") if uplink.closed is None else expected
        check.true("ONV-UPL-04", uplink.closed is not None, expected, observed)
        check.step("s4")
        again = await listener.connected(numbers.connect_wait.seconds, after=before)
        check.true("ONV-UPL-04", again is not None, say("重新连接", "connects again"), len(listener.uplinks))


@verifies("ONV-UPL-05")
async def test_deletion(onvif: Onvif, check: Checks, limits: Limits) -> None:
    """Nobody wants it any more."""
    if not await offers_uplinks(onvif, check, "ONV-UPL-05"):
        return
    numbers = limits("ONV-UPL-05")
    async with listening(onvif, numbers) as listener:
        check.step("s1")
        uplink = await connected(onvif, check, listener, numbers, "User")
        if uplink is None:
            return
        check.step("s2")
        good(check, await delete_uplink(onvif, listener.url))
        check.step("s3")
        until = onvif.wire.now() + numbers.close_wait.seconds
        while uplink.closed is None and onvif.wire.now() < until:
            await onvif.wire.sleep(onvif.limits["listening_step"].seconds)
        expected = say("连接被关闭", "the connection is closed")
        check.true("ONV-UPL-05", uplink.closed is not None, expected, "-" if uplink.closed is None else expected)
        known = len(listener.uplinks)
        again = await listener.connected(numbers.watch.seconds, after=known)
        check.true(
            "ONV-UPL-05", again is None, say("不再连接", "it does not connect again"), len(listener.uplinks) - known
        )
