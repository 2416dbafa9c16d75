"""IF-MNT-01: remote reboot."""

from __future__ import annotations

from conformance.model.checks import Checks, say
from conformance.peers.faults import DeviceFault
from conformance.peers.players import Players
from conformance.peers.province import Province
from conformance.peers.registrar import Registrar
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.suites.camera.maintenance_steps import STAYS, plays_in_time, reported_at, watched
from conformance.suites.camera.registration_steps import longest
from conformance.suites.camera.signalling_steps import parameters

CLOSES = say("应答之后连接断开", "the connection closes after the answer")
RESTARTS = say("设备重启并重新上线", "the device restarts and comes back online")
FOREIGN = "ZZZ"


@verifies("IF-MNT-01", "IF-MNT-01a", "IF-MNT-01b")
async def test_reboot_while_somebody_watches(
    province: Province, registrar: Registrar, player: Players, check: Checks, limits: Limits
) -> None:
    """Answer, close, one restart, back online, live video."""
    limit = limits("IF-MNT-01")
    check.step("s1")
    if await watched(player, check, limit.first_frame) is None:
        return
    check.step("s2")
    link = await province.online()
    answered = await _send(province, check, limits)
    check.step("s3")
    wait = limits("IF-MNT-01a").restart_wait
    if not await link.ended(longest(wait)) or link.closed_at is None:
        for requirement in ("IF-MNT-01", "IF-MNT-01a", "IF-MNT-01b"):
            check.fail(requirement, CLOSES, say("连接未断开", "it stays open"))
        return
    check.within("IF-MNT-01a", link.closed_at - answered, wait, CLOSES)
    back = await reported_at(province, answered, limit.back_online)
    if back is None:
        check.fail("IF-MNT-01", RESTARTS, say("未完成登录与能力上报", "no login with ability report"))
        check.inconclusive("IF-MNT-01b", say("设备未重新上线", "the device did not come back"))
        return
    check.within("IF-MNT-01", back - answered, limit.back_online, RESTARTS)
    check.step("s4")
    await plays_in_time(player, check, "IF-MNT-01", limit.first_frame)
    check.step("s3")
    await _count_restarts(province, registrar, check, answered, answered + limits("IF-MNT-01b").watch.seconds)


async def _send(province: Province, check: Checks, limits: Limits) -> float:
    """REBOOT and its answer. Returns when it was answered, or when no answer was left to wait for."""
    limit = limits("IF-MNT-01a").answer_wait
    try:
        exchanged = await province.command("REBOOT", within=longest(limit))
    except DeviceFault as fault:
        check.fail("IF-MNT-01a", say("重启之前的应答", "an answer before the restart"), fault.text)
        return province.wire.now()
    check.equal("IF-MNT-01a", exchanged.result, 0, "REBOOT")
    check.within("IF-MNT-01a", exchanged.seconds, limit, say("应答时间", "time of the answer"))
    return exchanged.answered_at


async def _count_restarts(province: Province, registrar: Registrar, check: Checks, since: float, until: float) -> None:
    """Exactly one registration, and the device is online at the end."""
    await province.wire.sleep(max(0.0, until - province.wire.now()))
    count = sum(received.at > since for received in registrar.received)
    check.equal("IF-MNT-01b", count, 1, say("应答之后的 REGISTER_REQ 次数", "REGISTER_REQ after the answer"))
    logins = len(province.messages("LOGIN", since=since))
    about = say(f"应答之后登录 {logins} 次", f"{logins} logins after the answer")
    check.true("IF-MNT-01b", province.link is not None, say("设备保持在线", "the device stays online"), about=about)


@verifies("IF-MNT-01c")
async def test_reboot_for_another_device(
    province: Province, registrar: Registrar, check: Checks, limits: Limits
) -> None:
    """Result 1, and nothing happens."""
    limit = limits("IF-MNT-01c")
    check.step("s1")
    link, sent = await province.online(), province.wire.now()
    foreign = FOREIGN + province.device_id[len(FOREIGN) :]
    check.step("s2")
    try:
        exchanged = await province.command("REBOOT", DevID=foreign, within=longest(limit.answer_wait))
        check.equal("IF-MNT-01c", exchanged.result, 1, "REBOOT")
    except DeviceFault as fault:
        check.fail("IF-MNT-01c", say("应答 Result 1", "an answer with Result 1"), fault.text)
    closed = await link.ended(limit.quiet.seconds)
    registrations = sum(received.at > sent for received in registrar.received)
    observed = say(
        f"连接{'断开' if closed else '保持'}，注册 {registrations} 次",
        f"the connection {'closed' if closed else 'stayed'}, {registrations} registrations",
    )
    check.true("IF-MNT-01c", not closed and registrations == 0, STAYS, observed)
    check.step("s3")
    await province.online(within=province.limits["back_online_wait"].seconds)
    found = await parameters(province)
    check.control(bool(found["FrameSize"]), say("设备应答查询", "the device answers a query"))
