"""IF-MED-09, IF-LOG-06, BIZ-LIV-01: the device behind a relay, from its allocation to the last byte for a viewer."""

from __future__ import annotations

from conformance.model.checks import Checks, say
from conformance.peers.faults import DeviceFault, NoAnswer
from conformance.peers.player import Player
from conformance.peers.players import Players
from conformance.peers.province import Province
from conformance.peers.relay import MISMATCH, Relays, TurnRequest
from conformance.peers.relay_allocation import Allocation
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.protocols.stun import Method
from conformance.protocols.stun_attributes import TCP_TRANSPORT, AttributeType, StunError, read_requested_transport
from conformance.protocols.violation import CodecError
from conformance.suites.camera.play_steps import refused
from conformance.suites.camera.relay_steps import NOWHERE, allocation_of, latest, through, told_within
from conformance.wire import Wire
from specs.declaration import LoadedDeclaration
from specs.model import Limit

LIFETIMES_WATCHED = 1.5


def _asked(requests: list[TurnRequest]) -> str:
    """How a device asks for its allocation: transport and user of the last ALLOCATE with credentials."""
    signed = [r.message for r in requests if r.message.get(AttributeType.USERNAME) is not None]
    if not signed:
        return f"{len(requests)} ALLOCATE, none with credentials"
    wanted = signed[-1].get(AttributeType.REQUESTED_TRANSPORT)
    try:
        transport = read_requested_transport(wanted) if wanted else None
        return f"transport {transport}, user {signed[-1].text(AttributeType.USERNAME)}"
    except StunError as error:
        return str(error)


@verifies("IF-MED-09")
async def test_allocation_with_the_identity_of_the_device(
    province: Province, relay: Relays, declaration: LoadedDeclaration, check: Checks, limits: Limits
) -> None:
    """ALLOCATE for TCP with DevID and DevKey; login or heartbeat tells the relayed address."""
    limit = limits("IF-MED-09").report_within
    check.step("s1")
    allocation = await relay.allocated(latest(limit))
    if declaration.features.get("relay") is None and not any(server.attempts for server in relay.servers):
        check.not_applicable("IF-MED-09", say("设备从未连接中继", "the device never connects to a relay"))
        return
    check.step("s2")
    expected = f"transport {TCP_TRANSPORT}, user {province.device_id}"
    asked = _asked([r for server in relay.servers for r in server.requests_for(Method.ALLOCATE)])
    check.equal("IF-MED-09", asked, expected, "ALLOCATE")
    granted = say("以 DevKey 签名并取得分配", "signed with the DevKey and granted")
    if not check.true("IF-MED-09", allocation is not None, granted, "", "ALLOCATE") or allocation is None:
        return
    check.step("s3")
    await _reported(province, check, "IF-MED-09", allocation.address, allocation.opened_at, limit)


async def _reported(
    province: Province, check: Checks, requirement: str, address: tuple[str, int], since: float, limit: Limit
) -> None:
    """LOGIN or HEARTBEAT names the address, soon enough after ``since``."""
    about = say(f"上报 {address[0] or '空'}:{address[1]}", f"report of {address[0] or 'no address'}:{address[1]}")
    found = await told_within(province, address, since, latest(limit))
    if found is None:
        check.fail(requirement, str(limit), say("未上报", "not reported"), about)
    else:
        check.within(requirement, found.at - since, limit, about)


@verifies("IF-LOG-06", "IF-MED-09a")
async def test_refresh_and_loss(province: Province, relay: Relays, wire: Wire, check: Checks, limits: Limits) -> None:
    """A short lifetime is refreshed in time; lost and new allocations are told at once."""
    log, limit = limits("IF-LOG-06"), limits("IF-MED-09a")
    seconds = max(1, round(limit.short_lifetime.seconds))
    check.step("s1")
    before = await allocation_of(relay, check, latest(log.allocation_within))
    if before is None:
        return
    await told_within(province, before.address, before.opened_at, latest(log.heartbeat_within))
    check.step("s2")
    for server in relay.servers:
        server.accepting = False
        server.drop()
    lost = wire.now()
    check.step("s3")
    await _reported(province, check, "IF-LOG-06", NOWHERE, lost, log.heartbeat_within)
    relay.reset()
    for server in relay.servers:
        server.lifetime = seconds
    fresh = await relay.allocated(latest(log.allocation_within))
    again = say("设备重新取得分配", "the device allocates anew")
    if fresh is None:
        check.fail("IF-LOG-06", again, say("没有新的 ALLOCATE", "no new ALLOCATE"))
        check.fail("IF-MED-09a", again, say("没有新的 ALLOCATE", "no new ALLOCATE"))
        return
    await _reported(province, check, "IF-LOG-06", fresh.address, fresh.opened_at, log.heartbeat_within)
    await _refreshed(relay, wire, fresh, check, limits)
    await _refused_refresh(province, relay, check, limits, seconds)


async def _refreshed(relay: Relays, wire: Wire, held: Allocation, check: Checks, limits: Limits) -> None:
    """IF-MED-09a s2: the allocation outlives its first lifetime, by REFRESH with a fair LIFETIME."""
    check.step("s2")
    seconds = held.lifetime
    await wire.sleep(seconds * LIFETIMES_WATCHED)
    found = [r for server in relay.servers for r in server.requests_for(Method.REFRESH, held.opened_at)]
    expected = say(f"在 {seconds:g} s 到期之前 REFRESH", f"REFRESH before {seconds:g} s are over")
    times = ", ".join(f"{request.at - held.opened_at:.2f} s" for request in found[:5]) or "-"
    check.true("IF-MED-09a", bool(found) and held.held, expected, times)
    for request in found[:1]:
        try:
            asked = request.message.number(AttributeType.LIFETIME)
        except StunError as error:
            check.fail("IF-MED-09a", str(limits("IF-MED-09a").lifetime), str(error), "LIFETIME")
            continue
        if asked is not None:
            check.within("IF-MED-09a", asked, limits("IF-MED-09a").lifetime, "LIFETIME")


async def _refused_refresh(province: Province, relay: Relays, check: Checks, limits: Limits, seconds: float) -> None:
    """IF-MED-09a s3: REFRESH is answered with 437 once."""
    check.step("s3")
    count = len(relay.allocations)
    for server in relay.servers:
        server.errors[Method.REFRESH] = MISMATCH
    try:
        fresh = await relay.allocations.reach(count + 1, seconds + latest(limits("IF-LOG-06").allocation_within))
    except NoAnswer:
        expected = say("437 之后重新 ALLOCATE", "ALLOCATE anew after 437")
        check.fail("IF-MED-09a", expected, say("没有新的 ALLOCATE", "no new ALLOCATE"))
        return
    finally:
        relay.reset()
    await _reported(province, check, "IF-MED-09a", fresh.address, fresh.opened_at, limits("IF-LOG-06").heartbeat_within)


@verifies("IF-MED-09b", "BIZ-LIV-01")
async def test_viewer_through_the_relay(
    province: Province, relay: Relays, player: Players, wire: Wire, check: Checks, limits: Limits
) -> None:
    """A viewer with a token sees pictures by the relay alone, one without is refused; then the connection closes."""
    limit = limits("IF-MED-09b")
    check.step("s1")
    allocation = await allocation_of(relay, check, latest(limits("IF-LOG-06").allocation_within))
    if allocation is None:
        return
    since = allocation.opened_at
    await told_within(province, allocation.address, since, latest(limits("IF-LOG-06").heartbeat_within))
    good, bad = through(player, allocation.address), through(player, allocation.address, token="")
    started = wire.now()
    if not await _starts(good, check):
        return
    track = good.video
    first = track is not None and await good.wait_packets(track, 1, latest(limit.first_packet_within))
    check.true("IF-MED-09b", first, say("经中继收到视频", "video by the relay"), f"{good.media_packets} packets")
    key = await good.wait_idr(track, latest(limits("BIZ-LIV-01").first_frame)) if track is not None else None
    about = say("首个关键帧", "the first key frame")
    if key is None:
        check.fail("BIZ-LIV-01", str(limits("BIZ-LIV-01").first_frame), say("没有关键帧", "no key frame"), about)
    else:
        check.within("BIZ-LIV-01", key - started, limits("BIZ-LIV-01").first_frame, about)
    check.step("s2")
    await refused(bad, check, "IF-MED-09b", limit.quiet.seconds, say("经中继而无令牌", "by the relay without a token"))
    check.step("s3")
    viewer = allocation.viewers[0] if allocation.viewers else None
    answered = (await good.teardown()).at
    await good.client.wait_closed(latest(limit.close_within))
    ended = next(
        (v.data_ended_at for v in allocation.viewers if viewer is not None and v.number == viewer.number), None
    )
    about = say("TEARDOWN 之后数据连接关闭", "the data connection closes after TEARDOWN")
    if ended is None:
        check.fail("IF-MED-09b", str(limit.close_within), say("仍然打开", "still open"), about)
    else:
        check.within("IF-MED-09b", max(0.0, ended - answered), limit.close_within, about)


async def _starts(one: Player, check: Checks) -> bool:
    """The RTSP sequence by the relay. A device that does not carry it out violates every requirement of the test."""
    try:
        await one.start(kinds=("video",))
    except (DeviceFault, CodecError) as fault:
        seen = fault.text if isinstance(fault, DeviceFault) else str(fault)
        for requirement in check.requirements:
            check.fail(requirement, say("经中继可以播放", "it plays by the relay"), seen)
        return False
    return True


@verifies("IF-MED-09c")
async def test_backup_relay(province: Province, relay: Relays, wire: Wire, check: Checks, limits: Limits) -> None:
    """The primary refuses connections: the device allocates at the backup and says so."""
    limit = limits("IF-MED-09c")
    before = await allocation_of(relay, check, latest(limits("IF-LOG-06").allocation_within))
    if before is None:
        return
    if before.control.local[1] == relay.backup.port and not await _back_to_primary(relay, check, limits):
        return
    check.step("s1")
    count, stopped = len(relay.allocations), wire.now()
    await relay.primary.stop()
    check.step("s2")
    try:
        fresh = await relay.allocations.reach(count + 1, latest(limit.switch_within))
    except NoAnswer:
        expected = say("备用中继收到 ALLOCATE", "ALLOCATE at the backup relay")
        check.fail("IF-MED-09c", expected, f"{len(relay.backup.attempts)} connections to the backup")
        return
    check.within("IF-MED-09c", fresh.opened_at - stopped, limit.switch_within, say("切换时间", "time to the switch"))
    check.step("s3")
    within = limits("IF-LOG-06").heartbeat_within
    await _reported(province, check, "IF-MED-09c", fresh.address, fresh.opened_at, within)


async def _back_to_primary(relay: Relays, check: Checks, limits: Limits) -> bool:
    """An earlier loss has left the device at the backup relay: now that one fails."""
    await relay.backup.stop()
    found = await relay.allocated(latest(limits("IF-MED-09c").switch_within))
    await relay.backup.restart()
    return check.control(found is not None, say("设备回到主中继", "the device is back at the primary relay"))
