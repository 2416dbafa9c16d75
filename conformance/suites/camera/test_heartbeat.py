"""IF-LOG-04: heartbeats, what they say, and what happens when they stay unanswered."""

from __future__ import annotations

import asyncio
import itertools

from conformance.model.checks import Checks, say
from conformance.peers.answers import Answer, Reply, honest, silent
from conformance.peers.device_link import DeviceLink, Received
from conformance.peers.players import Players
from conformance.peers.province import Province
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.suites.camera.registration_steps import arrival, longest, message, online, relogin
from specs.declaration import LoadedDeclaration

ADDRESSES = ("UpnpIP", "RtspUpnpPort", "LocalIP", "RtspLocalPort", "TurnRelayIP", "RtspTurnRelayPort")
MOST_VIEWERS = 2


@verifies("IF-LOG-04", "IF-LOG-04d")
async def test_period_and_viewers(
    province: Province, player: Players, declaration: LoadedDeclaration, check: Checks, limits: Limits
) -> None:
    """Heartbeats come every period, with other traffic in between, and tell the number of viewers."""
    limit = limits("IF-LOG-04").heartbeat_interval
    check.step("s1")
    login = await relogin(province)
    wait = longest(limits("IF-LOG-04d").report_within)
    beats = [await province.next("HEARTBEAT", within=wait)]
    check.step("s2")
    viewers = min(MOST_VIEWERS, int(str(declaration.features.get("max_viewers", 1))))
    watching = [player() for _ in range(viewers)]
    await asyncio.gather(*(one.start(kinds=("video",)) for one in watching))
    for _ in range(int(limits("IF-LOG-04").intervals.number)):
        await province.command("STORE_QUERY")
        beat = await message(province, "HEARTBEAT", wait)
        if beat is None:
            check.fail("IF-LOG-04", str(limit), say("没有心跳", "no heartbeat"))
            break
        beats.append(beat)
        await asyncio.gather(*(one.close() for one in watching))
    check.step("s3")
    for one, two in itertools.pairwise(beats):
        check.within("IF-LOG-04", two.at - one.at, limit, say("心跳间隔", "from heartbeat to heartbeat"))
    told = [[r.message.get(name) for name in ADDRESSES] for r in (login, *beats)]
    same = all(addresses == told[0] for addresses in told)
    check.true("IF-LOG-04", same, say("地址与登录时一致", "addresses as at the login"), " / ".join(map(str, told)))
    counts = [beat.message.get("CurVideoNum") for beat in beats]
    about = say("观看前、观看中、结束后的 CurVideoNum", "CurVideoNum before, during and after watching")
    expected = ["0", str(viewers), *["0"] * (len(counts) - 2)]
    if len(counts) > 2:
        check.equal("IF-LOG-04d", counts, expected, about)
    else:
        check.inconclusive("IF-LOG-04d", say("心跳不足", "too few heartbeats"))


class Misses:
    """Leaves heartbeats unanswered: ``misses`` of them, then one is answered, ``rounds`` times; then all are."""

    def __init__(self, misses: int, rounds: int) -> None:
        self._left = [misses] * rounds

    def __call__(self, reply: Reply) -> list[Reply]:
        if not self._left:
            return honest(reply)
        if self._left[0] == 0:
            del self._left[0]
            return honest(reply)
        self._left[0] -= 1
        return silent(reply)


@verifies("IF-LOG-04a", "IF-LOG-04b", "IF-LOG-04c")
async def test_unanswered_heartbeats(province: Province, check: Checks, limits: Limits) -> None:
    """Unanswered heartbeats are repeated soon; an answer clears their count, too many of them end the connection."""
    limit = limits("IF-LOG-04c")
    missed = int(limit.missed.number)
    check.step("s1")
    link, beats = await _beats(province, Misses(missed, 2), 2 * (missed + 1), limits)
    check.step("s2")
    resumed = beats[missed + 1].at - beats[missed].at if len(beats) > missed + 1 else None
    if resumed is None:
        check.fail("IF-LOG-04c", say("心跳继续", "the heartbeats go on"), f"{len(beats)} heartbeats")
    else:
        check.within("IF-LOG-04c", resumed, limit.heartbeat_interval, say("应答后的间隔", "interval after the answer"))
    check.step("s3")
    stays = link.open and len(beats) == 2 * (missed + 1)
    expected = say("连接保持", "the connection stays")
    check.true("IF-LOG-04c", stays, expected, f"{len(beats)} heartbeats, open {link.open}")
    link, lost = await _beats(province, silent, int(limits("IF-LOG-04b").unanswered.number), limits)
    pauses = [b.at - a.at for part in (beats[: missed + 1], lost) for a, b in itertools.pairwise(part)]
    repeat = limits("IF-LOG-04a")
    for pause in pauses:
        check.within("IF-LOG-04a", pause, repeat.repeat_min, say("重发间隔", "time to the repeat"))
        check.within("IF-LOG-04a", pause, repeat.repeat_max, say("重发间隔", "time to the repeat"))
    if not pauses:
        check.fail("IF-LOG-04a", say("重发心跳", "repeated heartbeats"), f"{len(lost)} heartbeats")
    await _judge_close(province, link, lost, check, limits)


async def _beats(province: Province, answer: Answer, count: int, limits: Limits) -> tuple[DeviceLink, list[Received]]:
    """The first heartbeats after a fresh login, up to ``count`` or the end of the connection."""
    province.answers["HEARTBEAT"] = answer
    link = (await relogin(province)).link
    within = longest(limits("IF-LOG-04d").report_within)
    while link.open and len(_of(province, link)) < count and await message(province, "HEARTBEAT", within) is not None:
        continue
    return link, _of(province, link)


def _of(province: Province, link: DeviceLink) -> list[Received]:
    return [r for r in province.messages("HEARTBEAT", since=link.opened_at) if r.link is link]


async def _judge_close(
    province: Province, link: DeviceLink, lost: list[Received], check: Checks, limits: Limits
) -> None:
    """IF-LOG-04b, with all its heartbeats unanswered and the last one just sent."""
    limit = limits("IF-LOG-04b")
    check.step("s2")
    attempts = province.primary.attempts
    seen = len(attempts)
    closed = await link.ended(longest(limit.close_within))
    sent = len(_of(province, link))
    unanswered = int(limit.unanswered.number)
    observed = say(f"{sent} 个心跳，断开 {closed}", f"{sent} heartbeats, closed {closed}")
    expected = say(f"{unanswered} 个心跳未应答后断开", f"closed after {unanswered} unanswered heartbeats")
    check.true("IF-LOG-04b", closed and sent == unanswered == len(lost), expected, observed)
    province.answers.clear()
    if not closed:
        link.close()
    check.step("s3")
    if province.link is None:
        await arrival(attempts, seen + 1, longest(limit.reconnect_within))
    back = await online(province, longest(limit.reconnect_within))
    check.true("IF-LOG-04b", back is not None, say("设备重新登录", "the device logs in again"))
    if back is not None and link.closed_at is not None:
        about = say("从断开到重连", "from the close to the new connection")
        check.within("IF-LOG-04b", back.opened_at - link.closed_at, limit.reconnect_within, about)
