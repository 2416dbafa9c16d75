"""BIZ-ALM-01a, BIZ-ALM-07, BIZ-ALM-08: an alarm reaches the phones of those who may have it, and tells nothing else."""

from __future__ import annotations

from urllib.parse import urlsplit

from conformance.model.checks import Checks, say
from conformance.peers.http_connection import Connections, Endpoint, NoResponse
from conformance.peers.platform.bench import PlatformBench
from conformance.peers.platform.device_media import DeviceMedia
from conformance.peers.platform.phone import Phone, Phones
from conformance.peers.platform.push_sink import Pushed, PushSink
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.protocols.http_answer import HttpAnswerError
from conformance.protocols.raw_request import RawRequest
from conformance.suites.platform.alarm_steps import (
    ALARM,
    DIGITAL_INPUT,
    INFRARED,
    MANUAL,
    MOTION,
    Bell,
    Rung,
    arrival,
    arrived,
    bell_of,
    first_of,
    listed,
    listening,
    moment,
    silent,
)
from conformance.suites.platform.client_steps import HIDDEN, accepted, other_owner, owners_of, refused
from conformance.suites.platform.device_steps import a_device, online
from conformance.suites.platform.test_access import shared, withdrawn
from conformance.wire import Expired, Refused
from specs.model import Limit

GOOD, BAD = 200, 400
NO_ANSWER = 0


async def opened(phone: Phone, link: str, session: str) -> int:
    """The HTTP status of what a link leads to, 0 for no answer; ``session``: empty for none."""
    parts = urlsplit(link)
    endpoint = Endpoint.of(link, phone.endpoint.ca_file)
    login = [("Authorization", f"Bearer {session}")] if session else []
    target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    request = RawRequest("GET", target, (("Host", endpoint.authority), ("Accept", "*/*"), *login), b"")
    connections = Connections(phone.wire, endpoint, phone.connections.limits, "link")
    try:
        return (await connections.exchange(request)).status
    except (NoResponse, Refused, Expired, HttpAnswerError):
        return NO_ANSWER
    finally:
        connections.close()


def is_good(status: int) -> bool:
    """Whether a status is a success or leads on to one."""
    return GOOD <= status < BAD


@verifies("BIZ-ALM-01a")
async def test_motion(platform: PlatformBench, owner: Phone, push: PushSink, check: Checks, limits: Limits) -> None:
    """A device with media reports motion; its owner's phone listens."""
    limit = limits("BIZ-ALM-01a")
    device = a_device(platform, check, "BIZ-ALM-01a", owner=owner.user.name if owner.user else "")
    if device is None:
        return
    media = await DeviceMedia(device).start()
    try:
        if not await online(platform, check, device):
            return
        async with listening(check, push, owner) as (box,):
            check.step("s1")
            before = await platform.platform_now()
            rung = await Bell(device).rung(check)
            pushed = await first_of(box, lambda one: one.told("kind") == ALARM, limit.arrive.seconds)
            expected = say("收到告警推送", "the push of the alarm arrives")
            if not check.true("BIZ-ALM-01a", pushed is not None, expected) or pushed is None:
                return
            check.within("BIZ-ALM-01a", pushed.at - rung.at, limit.arrive, say("到达", "arrival"))
            check.step("s2")
            await _right(check, owner, rung, pushed, before, limit.stamp)
            check.step("s3")
            await _clip(platform, check, owner, str(pushed.told("link") or ""), limit.clip_wait, limit.look)
    finally:
        media.stop()


async def _right(check: Checks, owner: Phone, rung: Rung, pushed: Pushed, before: float, stamp: Limit) -> None:
    fits = say("与接口定义一致的推送", "a push that fits the definition")
    check.equal("BIZ-ALM-01a", pushed.flaws(owner.api), [], fits)
    told = [pushed.told(name) for name in ("terminal", "channel", "alarmType")]
    right = say("设备、通道、类型", "device, channel, type")
    check.equal("BIZ-ALM-01a", told, [rung.terminal, rung.channel, rung.kind], right)
    at = moment(pushed.told("time"))
    if at is None:
        check.fail("BIZ-ALM-01a", say("RFC 3339 时间", "a time of RFC 3339"), str(pushed.told("time")))
    else:
        check.within("BIZ-ALM-01a", abs(at - before), stamp, say("推送中的时间", "the time in the push"))
    same = [item for item in await listed(owner, rung.terminal) if item.get("id") == pushed.told("subject")]
    found = [(item.get("channel"), item.get("type"), item.get("text")) for item in same]
    wanted = [(rung.channel, rung.kind, rung.text)]
    check.equal("BIZ-ALM-01a", found, wanted, say("列表中同一编号的告警", "the alarm of that id in the list"))


async def _clip(platform: PlatformBench, check: Checks, owner: Phone, link: str, wait: Limit, look: Limit) -> None:
    if not check.true("BIZ-ALM-01a", link.startswith("http"), say("含链接", "there is a link"), link):
        return
    if platform.loaded.features.get("cloud_recording") is not True:
        return
    wire, begun = owner.wire, owner.wire.now()
    status = await opened(owner, link, owner.session)
    while not is_good(status) and wire.now() - begun < wait.seconds:
        await wire.sleep(look.seconds)
        status = await opened(owner, link, owner.session)
    expected = say(f"{wait} 内由链接得到录像", f"the link gives the clip within {wait}")
    check.true("BIZ-ALM-01a", is_good(status), expected, f"HTTP {status}, {wire.now() - begun:.1f} s")


@verifies("BIZ-ALM-07")
async def test_recipients(
    platform: PlatformBench, owner: Phone, phones: Phones, push: PushSink, check: Checks, limits: Limits
) -> None:
    """Owner and viewer listen beside people who have nothing to do with the device."""
    limit = limits("BIZ-ALM-07")
    stranger = other_owner(phones, check, "BIZ-ALM-07")
    bell = await bell_of(platform, check, owner, "BIZ-ALM-07", limit.apart)
    if stranger is None or bell is None or owner.user is None:
        return
    tenants = [user for user in phones.users if user.role == "viewer" and user.tenant == owner.user.name]
    insiders = [owner, *[await phones.logged_in(user) for user in tenants[:1]]]
    operators = [user for user in phones.users if user.role == "operator"]
    outsiders = [await phones.logged_in(user) for user in (stranger, *operators[:1])]
    check.step("s1")
    async with listening(check, push, *insiders, *outsiders) as boxes:
        rung = await bell.rung(check, MOTION)
        for phone, box in zip(insiders, boxes[: len(insiders)], strict=True):
            await arrived(check, "BIZ-ALM-07", box, rung, limit.arrive, named(phone))
        await platform.wire.sleep(limit.settle.seconds)
        for phone, box in zip(outsiders, boxes[len(insiders) :], strict=True):
            silent(check, "BIZ-ALM-07", box, rung, named(phone))
    await _sharee(check, owner, phones, push, bell, limit)
    check.step("s4")
    alarm = next((str(item.get("id")) for item in await listed(owner, rung.terminal) if rung.is_shown_by(item)), "")
    if check.control(bool(alarm), say("属主检索到告警", "the owner finds the alarm")):
        for phone in outsiders:
            await _hidden(check, phone, rung.terminal, alarm)


def named(phone: Phone) -> str:
    """Whose phone it is."""
    return f"{phone.user.role} {phone.user.name}" if phone.user else "-"


async def _hidden(check: Checks, phone: Phone, terminal: str, alarm: str) -> None:
    """Neither by the terminal, nor in a search of everything, nor by the id."""
    refused(check, "BIZ-ALM-07", await phone.call("alarms", query={"terminal": terminal}), *HIDDEN, about=named(phone))
    every = (await phone.call("alarms", query={"size": 100})).items
    there = [item for item in every if isinstance(item, dict) and item.get("id") == alarm]
    check.equal("BIZ-ALM-07", there, [], say(f"{named(phone)} 的告警列表", f"the alarm list of {named(phone)}"))
    for operation in ("alarm", "clip"):
        refused(check, "BIZ-ALM-07", await phone.call(operation, alarm=alarm), *HIDDEN, about=f"{operation} by id")


async def _sharee(check: Checks, owner: Phone, phones: Phones, push: PushSink, bell: Bell, limit: Limits) -> None:
    """A share without alarms, with them, and its withdrawal."""
    user, terminal = owners_of(phones)[-1], bell.device.identity.dev_id
    if user == owner.user:
        return
    sharee = await phones.logged_in(user)
    async with listening(check, push, owner, sharee) as (mine, theirs):
        share = ""
        for step, kind, rights in (
            ("s2", INFRARED, ("view",)),
            ("s2", MANUAL, ("view", ALARM)),
            ("s3", DIGITAL_INPUT, ()),
        ):
            check.step(step)
            granted = (
                await shared(owner, terminal, user.phone, *rights)
                if rights
                else await withdrawn(owner, terminal, share)
            )
            accepted(check, "BIZ-ALM-07", granted, " ".join(rights) or "unshare")
            share = str(granted.at("id"))
            rung = await bell.rung(check, kind)
            await arrived(check, "BIZ-ALM-07", mine, rung, limit.arrive, named(owner))
            about = f"{named(sharee)}: {' '.join(rights) or 'unshare'}"
            if ALARM in rights:
                await arrived(check, "BIZ-ALM-07", theirs, rung, limit.arrive, about)
                continue
            await owner.wire.sleep(limit.settle.seconds)
            silent(check, "BIZ-ALM-07", theirs, rung, about)


@verifies("BIZ-ALM-08")
async def test_no_secret(
    platform: PlatformBench, owner: Phone, phones: Phones, push: PushSink, check: Checks, limits: Limits
) -> None:
    """What the gateway sees of an alarm, and what somebody without a session gets by its link."""
    limit = limits("BIZ-ALM-08")
    stranger = other_owner(phones, check, "BIZ-ALM-08")
    bell = await bell_of(platform, check, owner, "BIZ-ALM-08")
    if stranger is None or bell is None:
        return
    dev_id = bell.device.identity.dev_id
    played = await owner.call("play", {"channel": 0, "stream": 1}, terminal=dev_id)
    async with listening(check, push, owner) as (box,):
        check.step("s1")
        rung = await bell.rung(check)
        pushed = await arrival(box, rung, limit.arrive.seconds)
        if (
            not check.control(pushed is not None, say("告警推送到达", "the push of the alarm arrives"))
            or pushed is None
        ):
            return
        secrets = {
            "session": owner.session,
            "refresh": owner.refresh,
            "device key": bell.device.identity.key,
            **{f"password of {user.name}": user.password for user in phones.users},
            **{f"play address {way}": str(played.at(way) or "") for way in ("local", "direct", "relay", "hls", "flv")},
        }
        raw = pushed.request.raw.decode("utf-8", "replace").replace("\\/", "/")
        # the tape of the evidence has placeholders in the place of declared secrets
        found = platform.wire.fact("secrets", lambda: [name for name, text in secrets.items() if text and text in raw])
        check.equal("BIZ-ALM-08", found, [], say("推送中的秘密", "secrets in the push"))
        playing = say("不含播放地址与令牌", "no play address or token")
        check.true("BIZ-ALM-08", "rtsp://" not in raw and "hashtoken" not in raw, playing, raw[-300:])
        check.step("s2")
        link = str(pushed.told("link") or "")
        if not link:
            return
        other = await phones.logged_in(stranger)
        for about, session in (("no session", ""), ("another owner", other.session)):
            status = await opened(owner, link, session)
            refusal = say("拒绝", "a refusal")
            check.true("BIZ-ALM-08", status >= BAD, refusal, f"HTTP {status}", about)
