"""BIZ-ALM-05, IF-CLI-11: what is kept of alarms: the history that can be searched, and the messages of each user."""

from __future__ import annotations

from typing import Any

from conformance.model.checks import Checks, say
from conformance.peers.platform.bench import PlatformBench
from conformance.peers.platform.device_identity import DeviceIdentity
from conformance.peers.platform.phone import Phone, Phones
from conformance.peers.platform.push_sink import PushSink
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.suites.platform.alarm_steps import (
    ALL,
    KINDS,
    MOTION,
    Bell,
    Rung,
    arrival,
    bell_of,
    listed,
    listening,
    moment,
    rfc3339,
    shown,
)
from conformance.suites.platform.client_steps import accepted, conforming, refused
from conformance.suites.platform.device_steps import online

FAR = 1000
BEYOND = 10_000_000
SPAN = 1.0


async def rung_twice(bell: Bell) -> Rung:
    """One ALARM_NOTIFY frame, sent twice as it is, as after an answer that was lost."""
    rung, connection = bell.alarm(), bell.device.connection
    assert connection is not None
    frame = connection.frame("ALARM_NOTIFY", rung.elements)
    connection.send(frame)
    connection.send(frame)
    return rung


@verifies("BIZ-ALM-05")
async def test_history(platform: PlatformBench, owner: Phone, push: PushSink, check: Checks, limits: Limits) -> None:
    """A repeat, then alarms of every type, searched in every way that the document names."""
    limit = limits("BIZ-ALM-05")
    bell = await bell_of(platform, check, owner, "BIZ-ALM-05")
    if bell is None:
        return
    pushes = platform.loaded.features.get("push") is True
    async with listening(check, push, *([owner] if pushes else [])) as boxes:
        check.step("s1")
        before = await platform.platform_now()
        repeated = await rung_twice(bell)
        await shown(owner, repeated, limit.listed.seconds, limit.look.seconds)
        check.step("s2")
        rungs = [repeated]
        for kind in KINDS[1:]:
            await platform.wire.sleep(limit.look.seconds)
            rungs.append(await bell.rung(check, kind))
        found = [await shown(owner, rung, limit.listed.seconds, limit.look.seconds) for rung in rungs]
        for box in boxes:
            await arrival(box, rungs[-1], limit.listed.seconds)
            came = [pushed.content for pushed in box.taken if repeated.is_told_by(pushed)]
            check.equal(
                "BIZ-ALM-05", len(came), 1, say("重复上报的推送次数", "pushes of the alarm that was sent twice")
            )
    check.step("s1")
    check.equal("BIZ-ALM-05", len(found[0]), 1, say("重复上报的告警条数", "entries of the alarm that was sent twice"))
    check.step("s2")
    for rung, entries in zip(rungs, found, strict=True):
        told = [(e.get("terminal"), e.get("channel"), e.get("type"), e.get("text")) for e in entries[:1]]
        expected = [(rung.terminal, rung.channel, rung.kind, rung.text)]
        check.equal("BIZ-ALM-05", told, expected, say(f"类型 {rung.kind} 的告警", f"the alarm of type {rung.kind}"))
    if not all(found):
        return
    mine = [entries[0] for entries in found]
    ids = {str(item.get("id")) for item in mine}
    check.equal("BIZ-ALM-05", len(ids), len(mine), say("互不相同的编号数", "different ids"))
    times = [moment(item.get("time")) for item in mine]
    for rung, at in zip(rungs, times, strict=True):
        if at is None:
            check.fail("BIZ-ALM-05", say("RFC 3339 时间", "times of RFC 3339"), str(times))
            return
        late = abs(at - before - (rung.at - repeated.at))
        about = say(f"类型 {rung.kind} 的时间与上报之差", f"how far the time of type {rung.kind} is off")
        check.within("BIZ-ALM-05", late, limit.stamp, about)
    await _channels(platform, check, owner, limit)
    await _searches(check, owner, mine)
    await _pages(check, owner, mine, int(limit.page.number))
    await _stable(check, owner, mine)


async def _channels(platform: PlatformBench, check: Checks, owner: Phone, limit: Limits) -> None:
    """A recorder, where one is declared, reports the same of two channels at once."""
    name = owner.user.name if owner.user else ""
    declared = next((d for d in platform.loaded.devices if d.channels > 1 and d.owner == name), None)
    if declared is None:
        return
    check.step("s2")
    recorder = platform.devices.new(DeviceIdentity.of(declared))
    if not await online(platform, check, recorder):
        return
    bell = Bell(recorder)
    for rung in [await bell.rung(check, MOTION, channel) for channel in range(2)]:
        entries = await shown(owner, rung, limit.listed.seconds, limit.look.seconds)
        told = [(item.get("terminal"), item.get("channel"), item.get("type")) for item in entries]
        expected = [(rung.terminal, rung.channel, rung.kind)]
        about = say(f"录像机通道 {rung.channel} 的告警", f"the alarm of channel {rung.channel} of a recorder")
        check.equal("BIZ-ALM-05", told, expected, about)
    recorder.leave()


def span_of(mine: list[dict[str, Any]]) -> dict[str, str]:
    """A span that holds these alarms, oldest first, and no later one."""
    return {"start": str(mine[0]["time"]), "end": rfc3339((moment(mine[-1]["time"]) or 0.0) + SPAN)}


async def _searches(check: Checks, owner: Phone, mine: list[dict[str, Any]]) -> None:
    check.step("s3")
    terminal, whole = str(mine[0]["terminal"]), span_of(mine)
    half = {"start": str(mine[1]["time"]), "end": str(mine[3]["time"])}
    empty = {"start": whole["end"], "end": rfc3339((moment(whole["end"]) or 0.0) + SPAN)}
    cases: list[tuple[str, dict[str, Any], list[dict[str, Any]]]] = [
        ("every alarm of the span", whole, mine),
        ("from the second, without the fourth", half, mine[1:3]),
        ("behind the last", empty, []),
        *((f"type {item['type']}", {**whole, "type": item["type"]}, [item]) for item in mine),
    ]
    for about, query, wanted in cases:
        got = [item.get("id") for item in await listed(owner, terminal, **query)]
        expected = [item["id"] for item in reversed(wanted)]
        check.equal("BIZ-ALM-05", got, expected, say(f"检索（新者在前）: {about}", f"search, newest first: {about}"))


async def _pages(check: Checks, owner: Phone, mine: list[dict[str, Any]], size: int) -> None:
    check.step("s4")
    query: dict[str, Any] = {"terminal": mine[0]["terminal"], "size": size, **span_of(mine)}
    seen: list[Any] = []
    for page in range(1, len(mine) // size + 3):
        reply = await owner.call("alarms", query={**query, "page": page})
        accepted(check, "BIZ-ALM-05", reply, f"page {page}")
        told = [reply.at(name) for name in ("total", "page", "size")]
        check.equal("BIZ-ALM-05", told, [len(mine), page, size], "total, page, size")
        check.true("BIZ-ALM-05", len(reply.items) <= size, say("不超过页长", "no more than a page"), len(reply.items))
        seen += [item.get("id") for item in reply.items]
    wanted = [item["id"] for item in reversed(mine)]
    check.equal("BIZ-ALM-05", seen, wanted, say("各页合起来", "all pages together"))


async def _stable(check: Checks, owner: Phone, mine: list[dict[str, Any]]) -> None:
    check.step("s5")
    again = await listed(owner, str(mine[0]["terminal"]), **span_of(mine))
    kept = [{name: item.get(name) for name in ("id", "text", "time")} for item in again]
    wanted = [{name: item[name] for name in ("id", "text", "time")} for item in reversed(mine)]
    check.equal("BIZ-ALM-05", kept, wanted, say("再次检索", "searched again"))
    for item in mine:
        reply = await owner.call("alarm", alarm=str(item["id"]))
        same = reply.at("text") == item["text"] and reply.at("time") == item["time"]
        check.true(
            "BIZ-ALM-05", reply.ok and same, say("按编号得到同一告警", "the same alarm by its id"), reply.summary
        )


async def messages_of(phone: Phone) -> list[dict[str, Any]]:
    """The newest messages of a user."""
    found = (await phone.call("messages", query={"size": ALL})).items
    return [item for item in found if isinstance(item, dict)]


def about(messages: list[dict[str, Any]], alarms: list[str]) -> list[dict[str, Any]]:
    """The messages about these alarms."""
    return [item for item in messages if item.get("subject") in alarms]


@verifies("IF-CLI-11")
async def test_messages(platform: PlatformBench, owner: Phone, phones: Phones, check: Checks, limits: Limits) -> None:
    """The message boxes of an owner and of a viewer of the same account."""
    limit = limits("IF-CLI-11")
    bell = await bell_of(platform, check, owner, "IF-CLI-11")
    if bell is None or owner.user is None:
        return
    viewers = [user for user in phones.users if user.role == "viewer" and user.tenant == owner.user.name]
    clerk = await phones.logged_in(viewers[0]) if viewers else None
    check.step("s1")
    alarms = []
    for number in range(int(limit.messages.number)):
        await platform.wire.sleep(limit.look.seconds)
        rung = await bell.rung(check, KINDS[number % len(KINDS)])
        entries = await shown(owner, rung, limit.listed.seconds, limit.look.seconds)
        alarms += [str(item.get("id")) for item in entries[:1]]
    if not check.control(len(alarms) == limit.messages.number, say("告警均在列表中", "every alarm is listed")):
        return
    for phone in filter(None, (owner, clerk)):
        reply = await phone.call("messages", query={"size": ALL})
        conforming(check, "IF-CLI-11", phone, reply)
        found = [(item.get("subject"), item.get("kind"), item.get("read")) for item in about(reply.items, alarms)]
        wanted = [(alarm, "alarm", False) for alarm in reversed(alarms)]
        whose = phone.user.name if phone.user else ""
        check.equal("IF-CLI-11", found, wanted, say(f"{whose} 的消息，新者在前", f"messages of {whose}, newest first"))
    check.step("s2")
    await _read(check, owner, clerk, alarms)
    check.step("s3")
    await _foreign(check, owner, clerk, alarms)
    check.step("s4")
    await _message_pages(check, owner, int(limit.largest_page.number))


async def _read(check: Checks, owner: Phone, clerk: Phone | None, alarms: list[str]) -> None:
    """One of them is marked, twice."""
    boxed = about(await messages_of(owner), alarms)
    if len(boxed) < 2:
        return
    chosen = str(boxed[1].get("id"))
    for attempt in ("first", "again"):
        accepted(check, "IF-CLI-11", await owner.call("read", message=chosen), attempt)
    states = {str(item.get("id")): item.get("read") for item in about(await messages_of(owner), alarms)}
    wanted = {str(item.get("id")): str(item.get("id")) == chosen for item in boxed}
    check.equal("IF-CLI-11", states, wanted, say("标记之后的已读状态", "the read states afterwards"))
    if clerk is not None:
        others = [item.get("read") for item in about(await messages_of(clerk), alarms)]
        unread = say("查看者的已读状态", "the read states of the viewer")
        check.equal("IF-CLI-11", others, [False] * len(boxed), unread)


async def _foreign(check: Checks, owner: Phone, clerk: Phone | None, alarms: list[str]) -> None:
    """Ids that are none of the owner's own."""
    theirs = about(await messages_of(clerk), alarms) if clerk else []
    ids = {"of no message": str(BEYOND), "no number": "x", "negative": "-1", "of an alarm": alarms[0]}
    if theirs:
        ids["of another user"] = str(theirs[0].get("id"))
    mine = {str(item.get("id")) for item in await messages_of(owner)}
    for kind, message in ids.items():
        if message not in mine:
            refused(check, "IF-CLI-11", await owner.call("read", message=message), "not_found", about=kind)
    if theirs and clerk is not None:
        again = about(await messages_of(clerk), alarms)
        check.equal("IF-CLI-11", again, theirs, say("查看者的消息不变", "the viewer's messages are unchanged"))


async def _message_pages(check: Checks, owner: Phone, largest: int) -> None:
    every = await messages_of(owner)
    seen: list[Any] = []
    size = max(1, len(every) // 3)
    for page in range(1, -(-len(every) // size) + 1):
        seen += [item.get("id") for item in (await owner.call("messages", query={"page": page, "size": size})).items]
    total = (await owner.call("messages", query={"size": 1})).at("total")
    if total == len(every):
        check.equal("IF-CLI-11", seen, [item.get("id") for item in every], say("各页合起来", "all pages together"))
    behind = await owner.call("messages", query={"page": FAR, "size": largest})
    accepted(check, "IF-CLI-11", behind, "behind the last page")
    check.equal("IF-CLI-11", behind.items, [], say("末页之后", "behind the last page"))
    for operation in ("messages", "alarms"):
        for query in ({"size": 0}, {"size": largest + 1}, {"page": 0}, {"page": "x"}):
            reply = await owner.call(operation, query=query)
            refused(check, "IF-CLI-11", reply, "bad_request", about=f"{operation} {query}")
