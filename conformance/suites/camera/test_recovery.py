"""IF-LOG-08: the device comes back by itself after every kind of loss."""

from __future__ import annotations

from conformance.model.checks import Checks, say
from conformance.peers.device_control import DeviceControl
from conformance.peers.faults import DeviceFault
from conformance.peers.group import GroupPlatform
from conformance.peers.players import Players
from conformance.peers.province import Province
from conformance.peers.registrar import Registrar
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.suites.camera.registration_steps import answers_again, longest, message, online
from specs.model import Limit

BACK = say("设备自行上线", "the device comes online by itself")
GONE = say("未上线", "it does not")


@verifies("IF-LOG-08")
async def test_connection_lost(
    province: Province, registrar: Registrar, group: GroupPlatform, check: Checks, limits: Limits
) -> None:
    """Closed, reset, and a platform that is down for a while."""
    limit = limits("IF-LOG-08")
    for step, end in (("s1", "close"), ("s2", "reset")):
        check.step(step)
        link = await province.online(within=longest(limit.reconnect_within))
        lost = province.wire.now()
        link.close() if end == "close" else link.abort()
        await _judge_return(province, check, lost, limit.reconnect_within)
    check.step("s3")
    servers = (group, registrar, province.primary, province.backup)
    for server in servers:
        await server.stop()
    await province.wire.sleep(limit.outage.seconds)
    for server in servers:
        await server.restart()
    await _judge_return(province, check, province.wire.now(), limit.return_within)
    check.step("s4")
    held = [link for link in province.links if link.open]
    about = say("设备保持的信令连接数", "signalling connections of the device")
    check.within("IF-LOG-08", len(held), limit.connections, about)
    try:
        await province.command("STORE_QUERY", within=province.limits["answer_wait"].seconds)
    except DeviceFault as fault:
        check.fail("IF-LOG-08", say("应答查询", "an answer to the query"), fault.text)


async def _judge_return(province: Province, check: Checks, since: float, limit: Limit) -> None:
    """Whether the device is online in time and its heartbeats go on."""
    link = await online(province, longest(limit))
    if link is None:
        check.fail("IF-LOG-08", BACK, GONE)
        await province.online(within=province.limits["back_online_wait"].seconds)
        return
    check.within("IF-LOG-08", province.wire.now() - since, limit, say("恢复所用时间", "time to come back"))
    beats = province.messages("HEARTBEAT", since=link.opened_at)
    beat = beats or await message(province, "HEARTBEAT", longest(limit))
    check.true("IF-LOG-08", bool(beat), say("恢复心跳", "heartbeats again"))


@verifies("IF-LOG-08a")
async def test_network_cut(
    province: Province, player: Players, control: DeviceControl, check: Checks, limits: Limits
) -> None:
    """The network of the device is cut for a short and for a long time."""
    limit = limits("IF-LOG-08a")
    for step, cut in (("s1", limit.cut_short), ("s2", limit.cut_long)):
        check.step(step)
        await control.do("link", state="down")
        await province.wire.sleep(cut.seconds)
        await control.do("link", state="up")
        seconds = await answers_again(province, longest(limit.return_within))
        if seconds is None:
            check.fail("IF-LOG-08a", BACK, GONE, say(f"断网 {cut.seconds:g} 秒", f"after a cut of {cut.seconds:g} s"))
            return
        about = say(f"断网 {cut.seconds:g} 秒后恢复所用时间", f"time to come back after a cut of {cut.seconds:g} s")
        check.within("IF-LOG-08a", seconds, limit.return_within, about)
    check.step("s3")
    one = player()
    await one.start(kinds=("video",))
    track = one.video
    plays = track is not None and await one.wait_packets(track, 1, longest(limit.media_within))
    check.true("IF-LOG-08a", plays, say("可以重新播放", "playing works again"), f"{one.media_packets} media packets")
