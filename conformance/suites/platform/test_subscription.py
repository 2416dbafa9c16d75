"""BIZ-SUB-03, BIZ-SUB-04: an account that is suspended, with what it owns, and that goes on again."""

from __future__ import annotations

from typing import Any

from conformance.model.checks import Checks, say
from conformance.peers.platform.bench import PlatformBench
from conformance.peers.platform.device import DevicePeer
from conformance.peers.platform.device_media import DeviceMedia
from conformance.peers.platform.phone import Phone, Phones
from conformance.peers.platform.reply import Reply
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.suites.platform.alarm_steps import Bell, listed, moment, rfc3339
from conformance.suites.platform.client_steps import accepted, refused
from conformance.suites.platform.device_steps import a_device, online
from conformance.suites.platform.test_anti_hotlink import suspended
from specs.model import Limit

SUSPENDED = "suspended"
#: What a session that was opened before may be answered: the reason, or that the session has ended.
ENDED = (SUSPENDED, "session_invalid", "session_expired")
AROUND = 60.0
LIVE = {"channel": 0, "stream": 1}


async def recorded(platform: PlatformBench, check: Checks, owner: Phone, bell: Bell, limit: Limits) -> dict[str, str]:
    """Let an alarm leave a clip in the cloud; the query that finds it, empty where the platform keeps none."""
    rung = await bell.rung(check)
    if platform.loaded.features.get("cloud_recording") is not True:
        return {}
    until = owner.wire.now() + limit.clip_wait.seconds
    while True:
        found = [item for item in await listed(owner, rung.terminal) if rung.is_shown_by(item)]
        if found and found[0].get("hasClip"):
            break
        if owner.wire.now() > until:
            check.control(False, say("告警录像未入库", "the clip of the alarm is not stored"))
            return {}
        await owner.wire.sleep(limit.look.seconds)
    at = moment(found[0].get("time")) or 0.0
    return {"channel": "0", "start": rfc3339(at - AROUND), "end": rfc3339(at + AROUND)}


async def belongings(owner: Phone, terminal: str, span: dict[str, str]) -> dict[str, Any]:
    """What an account has: terminals with their states, alarms, recordings."""
    every = (await owner.call("terminalListed", query={"size": 100})).items
    kept = [{name: item.get(name) for name in ("id", "name", "shop", "rights")} for item in every]
    alarms = [item.get("id") for item in await listed(owner, terminal)]
    found = {"terminals": kept, "alarms": alarms}
    if span:
        history = (await owner.call("history", query={**span, "size": "100"}, terminal=terminal)).items
        found["recordings"] = [(item.get("id"), item.get("start"), item.get("end")) for item in history]
    return found


@verifies("BIZ-SUB-03", "BIZ-SUB-04")
async def test_suspension(platform: PlatformBench, owner: Phone, phones: Phones, check: Checks, limits: Limits) -> None:
    """A clip and an alarm are kept; the owner is suspended, and goes on."""
    limit = limits("BIZ-SUB-03")
    device = a_device(platform, check, "BIZ-SUB-03", owner=owner.user.name if owner.user else "")
    if device is None or owner.user is None:
        check.inconclusive("BIZ-SUB-04", say("声明中没有已开通的摄像机", "the declaration names no camera"))
        return
    media = await DeviceMedia(device).start()
    try:
        if not await online(platform, check, device):
            return
        span = await recorded(platform, check, owner, Bell(device), limit)
        terminal = device.identity.dev_id
        before = await belongings(owner, terminal, span)
        full = all(before.values())
        check.control(full, say("停机前有终端、告警与录像", "there are terminals, alarms and recordings before"))
        heard = await device.heartbeat() is not None
        if not check.control(heard, say("停机前心跳得到应答", "a heartbeat before it is answered")):
            return
        await suspended(platform, owner, True)
        try:
            await _refused(check, phones, owner, device)
        finally:
            await suspended(platform, owner, False)
        await _goes_on(check, phones, owner, before, (terminal, span), limits("BIZ-SUB-04").effect)
    finally:
        media.stop()


async def _refused(check: Checks, phones: Phones, owner: Phone, device: DevicePeer) -> None:
    """Nothing is served under the old session or a new login, and the reason is told."""
    check.step("s1")
    user, terminal = owner.user, device.identity.dev_id
    assert user is not None
    for operation, body in (("shops", None), ("terminalListed", None), ("alarms", None)):
        refused(check, "BIZ-SUB-03", await owner.call(operation, body), *ENDED, about=operation)
    refused(check, "BIZ-SUB-03", await owner.call("play", LIVE, terminal=terminal), *ENDED, about="play")
    refused(check, "BIZ-SUB-03", await phones.new().login(user), SUSPENDED, about="login")
    heard = await device.heartbeat() is not None
    check.true("BIZ-SUB-03", heard, say("设备的心跳仍得到应答", "the heartbeats of the device are still answered"))


async def _goes_on(
    check: Checks,
    phones: Phones,
    owner: Phone,
    before: dict[str, Any],
    place: tuple[str, dict[str, str]],
    effect: Limit,
) -> None:
    """The same user logs in on the same phone, watches and finds everything as it was."""
    check.step("s2")
    user, (terminal, span) = owner.user, place
    assert user is not None
    wire, begun = owner.wire, owner.wire.now()
    phone = await phones.logged_in(user)
    played = await _plays(phone, terminal)
    while not played.ok and wire.now() - begun < effect.seconds:
        await wire.sleep(effect.seconds / 50)
        phone = await phones.logged_in(user)
        played = await _plays(phone, terminal)
    check.figures["effect_s"] = round(wire.now() - begun, 3)
    accepted(check, "BIZ-SUB-04", played, "play")
    check.within("BIZ-SUB-04", wire.now() - begun, effect, say("复机到可观看", "from resuming to live view"))
    after = await belongings(phone, terminal, span)
    for name, kept in before.items():
        check.equal("BIZ-SUB-03", after[name], kept, say(f"停机前后的 {name}", f"{name} before and after"))
    unchanged = say("设备列表不变", "the device list is unchanged")
    check.equal("BIZ-SUB-04", after["terminals"], before["terminals"], unchanged)


async def _plays(phone: Phone, terminal: str) -> Reply:
    return await phone.call("play", LIVE, terminal=terminal)
