"""CS-REL-05: an outage of the cloud storage is not felt in live view, and does not pass unnoticed."""

from __future__ import annotations

from conformance.model.checks import Checks, say
from conformance.peers.platform.bench import PlatformBench
from conformance.peers.platform.phone import Phone, Phones
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.suites.platform.alarm_steps import heartbeat_answered, moment, rfc3339
from conformance.suites.platform.client_steps import accepted, good
from conformance.suites.platform.recording_steps import (
    ALL,
    ALWAYS,
    Scene,
    Span,
    newest,
    recorded_device,
    runs,
    span_of,
)

SUB = 2


@verifies("CS-REL-05")
async def test_outage(platform: PlatformBench, owner: Phone, phones: Phones, check: Checks, limits: Limits) -> None:
    """A device that is recorded and watched while the storage goes and comes back."""
    limit, store = limits("CS-REL-05"), platform.storage
    if platform.declared.recording is None:
        where = say(
            "声明未把录像引到测试台的存储", "the declaration does not lead recordings to the storage of the bench"
        )
        check.inconclusive("CS-REL-05", where)
        return
    async with recorded_device(platform, owner, check, "CS-REL-05") as scene:
        if scene is None:
            return
        check.step("s1")
        good(check, await scene.plan(ALWAYS), "setRecordPlan")
        if not await scene.begun(check, limit.begin.seconds, limit.look.seconds):
            return
        begun = scene.truth[0].start + scene.ahead
        reply = await owner.call("play", {"channel": 0, "stream": SUB}, terminal=scene.dev_id)
        url = str(reply.at("hls") or "")
        if not good(check, reply, "play"):
            return
        seen = await _seen_after(scene, url, 0.0, limit)
        if not check.control(seen is not None, say("实时画面可见", "live pictures are seen")):
            return
        check.step("s2")
        store.bends.away = True
        store.drop()
        try:
            await _meanwhile(scene, check, url, limit)
        finally:
            store.bends.away = False
        check.step("s3")
        wanted = Span(begun, await platform.platform_now())
        good(check, await scene.plan([]), "setRecordPlan []")
        await _kept_or_told(scene, check, phones, wanted, limit)


async def _seen_after(scene: Scene, url: str, at: float, limit: Limits) -> float | None:
    """Seconds until the live view shows a picture that was taken after a moment; None where it does not in time."""
    wire, begun = scene.wire, scene.wire.now()
    while True:
        label = await newest(scene.owner, url)
        if label is not None and label > at:
            return wire.now() - begun
        if wire.now() - begun > limit.live.seconds:
            return None
        await wire.sleep(limit.look.seconds)


async def _meanwhile(scene: Scene, check: Checks, url: str, limit: Limits) -> None:
    """Live view, a heartbeat and a search while the storage is away."""
    wire = scene.wire
    await wire.sleep(limit.outage.seconds)
    seen = await _seen_after(scene, url, wire.epoch(), limit)
    expected = say(f"中断期间 {limit.live} 内见到新画面", f"new pictures within {limit.live} during the outage")
    check.true("CS-REL-05", seen is not None, expected, "-" if seen is None else f"{seen:.1f} s")
    await heartbeat_answered(check, "CS-REL-05", scene.media.device, limit.answer)
    now = await scene.platform.platform_now()
    accepted(check, "CS-REL-05", await scene.history(Span(now - limit.outage.seconds, now)), "history")


async def _kept_or_told(scene: Scene, check: Checks, phones: Phones, wanted: Span, limit: Limits) -> None:
    """The recording is whole, or the audit log says what is missing."""
    edge = limit.edge.number
    asked = Span(wanted.start - edge, wanted.end + edge)
    items = await scene.found(asked, wanted.seconds - edge, limit.listed.seconds, limit.look.seconds)
    found = runs(filter(None, map(span_of, items)), limit.shortest_gap.number)
    whole = len(found) == 1 and abs(found[0].start - wanted.start) <= edge and found[0].end >= wanted.end - edge
    told = ", ".join(f"{rfc3339(span.start)} .. {rfc3339(span.end)}" for span in found)
    entries = [] if whole else await _told(scene, check, phones, wanted.start)
    expected = say(
        f"录像 {rfc3339(wanted.start)} .. {rfc3339(wanted.end)} 完整，或审计日志记有缺失",
        f"the recording {rfc3339(wanted.start)} .. {rfc3339(wanted.end)} is whole, or the audit log tells of the hole",
    )
    check.true("CS-REL-05", whole or bool(entries), expected, told or "-")


async def _told(scene: Scene, check: Checks, phones: Phones, since: float) -> list[object]:
    """What the audit log says of the device since a moment that no user did."""
    operator = phones.of_role("operator")
    if operator is None:
        check.inconclusive("CS-REL-05", say("声明中没有运维用户", "the declaration names no operator"))
        return ["unknown"]
    phone = await phones.logged_in(operator)
    entries = (await phone.call("audit", query={"terminal": scene.dev_id, "size": ALL})).items
    names = {user.name for user in phones.users}
    return [one for one in entries if one.get("who") not in names and (moment(one.get("time")) or 0.0) >= since]
