"""IF-REG: redirect, registration, the way to the access servers, back-off, clock, identity."""

from __future__ import annotations

import itertools
from datetime import datetime

from conformance.model.checks import Checks, say
from conformance.peers.answers import changed, refuse, silent, without
from conformance.peers.device_control import DeviceControl
from conformance.peers.faults import BenchFault, DeviceFault
from conformance.peers.group import GroupPlatform
from conformance.peers.province import CHINA, Province
from conformance.peers.registrar import UNKNOWN_DEVICE, WRONG_KEY, Registrar
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.suites.camera.bad_http_answers import NAMES, bad_answer
from conformance.suites.camera.registration_steps import (
    arrival,
    longest,
    message,
    online,
    relogin,
    request_faults,
    restart,
)
from conformance.wire import Stream, Wire
from specs.declaration import LoadedDeclaration
from specs.messages import MessageTable
from specs.model import SECONDS

MAY_BE_EMPTY = ["BackupNatIP", "BackupNatPort", "TurnIP", "TurnPort", "BackupTurnIP", "BackupTurnPort", "FtpIP", "FtpPort", "FtpAccount", "FtpPassword", "Time"]
UNASKED = say(
    "设备未向集团平台请求重定向，请仅配置集团平台地址后重试",
    "the device did not ask the group platform: set it up with the group address only",
)


@verifies("IF-REG-01", "IF-REG-02", "IF-REG-02a", "IF-REG-03")
async def test_first_contact(
    province: Province,
    registrar: Registrar,
    group: GroupPlatform,
    declaration: LoadedDeclaration,
    check: Checks,
    limits: Limits,
) -> None:
    """How the device came online at the beginning of the session, and every HTTP request since."""
    check.step("s1")
    _judge_requests(registrar, group, province.table, declaration, check, limits)
    check.step("s2")
    registered = registrar.received[0].at if registrar.received else None
    logins, abilities = province.messages("LOGIN"), province.messages("ABILITYUP")
    if registered is None:
        check.fail("IF-REG-03", say("先注册再登录", "registration before the login"), "no REGISTER_REQ")
    else:
        about = say("从注册应答到登录", "from the answer to the login")
        check.within("IF-REG-03", logins[0].at - registered, limits("IF-REG-03").connect_within, about)
        check.equal("IF-REG-03", logins[0].link.server, "primary", say("登录的服务器", "server of the login"))
    check.step("s3")
    begun = min([*group.attempts[:1], *registrar.attempts[:1], logins[0].link.opened_at])
    limit = limits("IF-REG-01")
    about = say("从首次连接到能力上报", "from first contact to ability report")
    check.within("IF-REG-01", abilities[0].at - begun, limit.online_within, about)
    try:
        seconds = (await province.command("STORE_QUERY", within=longest(limit.answer_within))).seconds
    except DeviceFault as fault:
        check.fail("IF-REG-01", say("对查询的应答", "an answer to the query"), fault.text)
    else:
        check.within("IF-REG-01", seconds, limit.answer_within, say("查询的应答", "answer to the query"))


def _judge_requests(
    registrar: Registrar,
    group: GroupPlatform,
    table: MessageTable,
    declaration: LoadedDeclaration,
    check: Checks,
    limits: Limits,
) -> None:
    length = int(limits("IF-REG-08").manufacturer_length.number)
    for requirement, step in (("IF-REG-02", group), ("IF-REG-03", registrar)):
        faults = [fault for r in step.received for fault in request_faults(r, table, declaration, length)]
        expected = say(
            f"{step.command}_REQ 与接口和声明一致", f"{step.command}_REQ as the interface and the declaration"
        )
        check.true(requirement, not faults, expected, faults[0] if faults else f"{len(step.received)} requests")
    if not group.received:
        for requirement in ("IF-REG-02", "IF-REG-02a"):
            check.inconclusive(requirement, UNASKED)
        return
    answered = group.received[0].at
    follows = [at for at in registrar.attempts if at >= answered]
    expected = say("在应答给出的地址注册", "a registration at the address of the answer")
    check.true("IF-REG-02", bool(follows), expected, f"{len(follows)} registrations")
    if not follows:
        check.fail("IF-REG-02a", expected, "0 registrations")
        return
    about = say("从重定向应答到注册", "from the redirect answer to the registration")
    check.within("IF-REG-02a", follows[0] - answered, limits("IF-REG-02a").register_within, about)


@verifies("IF-REG-02b", "IF-REG-03a")
async def test_restart_with_empty_addresses(
    province: Province, registrar: Registrar, group: GroupPlatform, check: Checks, limits: Limits
) -> None:
    """After a restart the device goes to the province at once, and empty optional addresses do not disturb it."""
    check.step("s1")
    asked, seen = len(group.attempts), len(registrar.received)
    check.step("s2")
    group.answer = silent
    registrar.answer = changed(**dict.fromkeys(MAY_BE_EMPTY, ""))
    await restart(province)
    registered = await arrival(registrar.received, seen + 1, longest(limits("IF-REG-02b").back_online_within))
    check.step("s3")
    observed = f"{len(registrar.received) - seen} REGISTER, {len(group.attempts) - asked} REDIRECT"
    expected = say("直接注册，不询问集团平台", "a registration without asking the group")
    check.true("IF-REG-02b", registered is not None and len(group.attempts) == asked, expected, observed)
    if registered is None:
        check.inconclusive("IF-REG-03a", say("设备未注册", "the device did not register"))
        return
    limit = limits("IF-REG-03a").connect_within
    login = await message(province, "LOGIN", longest(limit))
    about = say("从注册应答到登录", "from the answer to the login")
    if login is None:
        check.fail("IF-REG-03a", str(limit), say("未登录", "no login"), about)
    else:
        check.within("IF-REG-03a", login.at - registered.at, limit, about)
        link = await online(province, longest(limit))
        check.true("IF-REG-03a", link is not None, say("设备上线", "the device comes online"))
    registrar.answer = changed()
    await restart(province)
    await registrar.attempts.next(longest(limits("IF-REG-02b").back_online_within))


@verifies("IF-REG-05")
async def test_back_off_after_failed_connections(
    province: Province, registrar: Registrar, check: Checks, limits: Limits
) -> None:
    """Pauses between failed connections to the registration server are random and within their limits."""
    limit, refusal = limits("IF-REG-05"), limits("IF-REG-05a")
    check.step("s1")
    registrar.accepting = False
    seen = len(registrar.attempts)
    await restart(province)
    check.step("s2")
    times = [await registrar.attempts.reach(seen + 1, longest(limits("IF-REG-02b").back_online_within))]
    for _ in range(int(limit.pauses.number)):
        at = await arrival(registrar.attempts, seen + len(times) + 1, longest(refusal.pause_max))
        if at is None or (len(times) == 1 and refusal.pause_min.holds(at - times[0])):
            break
        times.append(at)
    check.step("s3")
    pauses = [b - a for a, b in itertools.pairwise(times)]
    if not pauses and len(registrar.attempts) > seen + 1:
        reason = say("设备把被复位的连接当作拒绝处理", "the device takes a connection that was reset for a refusal")
        check.inconclusive("IF-REG-05", reason)
        return
    if len(pauses) < limit.pauses.number:
        check.fail("IF-REG-05", say("设备不断重试", "the device tries again and again"), f"{len(times)} attempts")
    for pause in pauses:
        check.within("IF-REG-05", pause, limit.pause_min, say("重试间隔", "pause"))
        check.within("IF-REG-05", pause, limit.pause_max, say("重试间隔", "pause"))
    if pauses:
        about = say("最长与最短间隔之差", "longest less shortest pause")
        check.within("IF-REG-05", max(pauses) - min(pauses), limit.spread, about)
    check.step("s4")
    registrar.accepting = True
    check.control(
        await online(province, longest(refusal.pause_max)) is not None, say("恢复后上线", "online afterwards")
    )


class Trap:
    """A port that an unusable answer names and that nobody may visit."""

    def __init__(self, wire: Wire, host: str) -> None:
        self.visits: list[str] = []
        self.host, self.port = host, 0
        self._wire = wire

    async def set(self) -> Trap:
        """Listen."""
        listener = await self._wire.listen(self.host, 0, self._visit, label="trap")
        self.port = listener.port
        self.close = listener.close
        return self

    async def _visit(self, stream: Stream) -> None:
        self.visits.append(f"{stream.peer[0]}:{stream.peer[1]}")
        stream.close()

    @property
    def register_address(self) -> dict[str, str]:
        """Elements of REGISTER_RES."""
        names = ("NatIP", "NatPort", "BackupNatIP", "BackupNatPort")
        return dict(zip(names, (self.host, str(self.port)) * 2, strict=True))

    @property
    def redirect_address(self) -> dict[str, str]:
        """Elements of REDIRECT_RES."""
        return {"LcmsUrl": f"http://{self.host}:{self.port}/"}


@verifies("IF-REG-05a", "IF-REG-02d")
async def test_refused_registration(
    province: Province, registrar: Registrar, wire: Wire, check: Checks, limits: Limits
) -> None:
    """A refused registration and one with an unusable answer are tried again after the long pause only."""
    limit, unusable = limits("IF-REG-05a"), limits("IF-REG-02d")
    trap = await Trap(wire, province.primary.host).set()
    case = wire.random.choice(NAMES)
    bad = bad_answer(
        case,
        province.table,
        "REGISTER",
        trap.register_address,
        int(unusable.overlong.number),
        int(limits("IF-LOG-01a").unlisted_code.number),
    )
    check.step("s1")
    registrar.answer = refuse(WRONG_KEY)
    seen = len(registrar.received)
    await restart(province)
    first = await registrar.received.reach(seen + 1, longest(limits("IF-REG-02b").back_online_within))
    check.step("s2")
    registrar.answer = bad
    second = await arrival(registrar.received, seen + 2, longest(limit.pause_max))
    registrar.answer = changed()
    if second is None:
        for requirement in ("IF-REG-05a", "IF-REG-02d"):
            check.fail(requirement, say("退避后再次注册", "a new registration after the pause"), "silence")
        return
    third = await arrival(registrar.received, seen + 3, longest(limit.pause_max))
    about = say(f"不可用应答 {case} 之后的等待", f"pause after the unusable answer {case}")
    _judge_pause(check, limits, "IF-REG-05a", second.at - first.at, say("Result 2 之后的等待", "pause after Result 2"))
    for requirement in ("IF-REG-05a", "IF-REG-02d"):
        _judge_pause(check, limits, requirement, third.at - second.at if third else None, about)
    check.equal("IF-REG-02d", trap.visits, [], say(f"对应答 {case} 中地址的访问", f"visits to the address of {case}"))
    check.step("s3")
    back = await online(province, province.limits["registration_wait"].seconds)
    check.control(back is not None, say("正常应答后上线", "online after a good answer"))
    trap.close()


def _judge_pause(check: Checks, limits: Limits, requirement: str, pause: float | None, about: object) -> None:
    limit = limits("IF-REG-05a")
    text = about if isinstance(about, str) else about
    if pause is None:
        check.fail(requirement, say("退避后重试", "another try after the pause"), say("未重试", "none"), text)  # type: ignore[arg-type]
        return
    check.within(requirement, pause, limit.pause_min, text)  # type: ignore[arg-type]
    check.within(requirement, pause, limit.pause_max, text)  # type: ignore[arg-type]


@verifies("IF-REG-02c", "IF-REG-02d")
async def test_group_is_asked_again(
    province: Province, registrar: Registrar, group: GroupPlatform, wire: Wire, check: Checks, limits: Limits
) -> None:
    """Refused as unknown again and again the device asks the group, and takes no unusable answer from it."""
    limit, unusable = limits("IF-REG-02c"), limits("IF-REG-02d")
    pause = longest(limit.refusal_pause_max)
    trap = await Trap(wire, province.primary.host).set()
    case = wire.random.choice(NAMES)
    unlisted = int(limits("IF-LOG-01a").unlisted_code.number)
    check.step("s1")
    registrar.answer = refuse(UNKNOWN_DEVICE)
    group.answer = bad_answer(
        case, province.table, "REDIRECT", trap.redirect_address, int(unusable.overlong.number), unlisted
    )
    seen, asked = len(registrar.received), len(group.received)
    await restart(province)
    await registrar.received.reach(seen + 1, longest(limits("IF-REG-02b").back_online_within))
    check.step("s2")
    refusals = int(limit.refusals.number)
    first = await arrival(group.received, asked + 1, pause * refusals)
    about = say("重新询问集团之前被拒绝的注册数", "registrations refused before the group was asked")
    if not check.equal("IF-REG-02c", (len(registrar.received) - seen, first is not None), (refusals, True), about):
        check.inconclusive("IF-REG-02d", say("设备未请求重定向", "the device asked for no redirect"))
        if first is None:
            return
    assert first is not None
    registrar.answer = group.answer = changed()
    await registrar.stop()
    await registrar.start(registrar.host, 0)
    second = await arrival(group.received, asked + 2, pause)
    about = say(f"不可用应答 {case} 之后的等待", f"pause after the unusable answer {case}")
    _judge_pause(check, limits, "IF-REG-02d", second.at - first.at if second else None, about)
    check.equal("IF-REG-02d", trap.visits, [], say(f"对应答 {case} 中地址的访问", f"visits to the address of {case}"))
    check.step("s3")
    back = await online(province, province.limits["registration_wait"].seconds)
    check.true("IF-REG-02c", back is not None, say("在新的省平台上线", "online at the new province platform"))
    trap.close()


@verifies("IF-REG-05b")
async def test_pauses_before_reconnecting(province: Province, check: Checks, limits: Limits) -> None:
    """Pauses before a new signalling connection grow with each failure and begin anew once the device is online."""
    limit, primary, wire = limits("IF-REG-05b"), province.primary, province.wire
    link = await province.online()
    check.step("s1")
    primary.accepting = province.backup.accepting = False
    seen, times = len(primary.attempts), [wire.now()]
    link.close()
    check.step("s2")
    for number in range(int(limit.losses.number)):
        at = await arrival(primary.attempts, seen + number + 1, longest(limit.pause_max))
        if at is None:
            check.fail("IF-REG-05b", say("设备不断重连", "the device connects again and again"), f"{number} attempts")
            break
        times.append(at)
    check.step("s3")
    pauses = [b - a for a, b in itertools.pairwise(times)]
    shown = " ".join(f"{pause:.3f}" for pause in pauses)
    if pauses:
        about = say("首次重连前的等待", "pause before the first reconnect")
        check.within("IF-REG-05b", pauses[0], limit.first_pause_min, about)
        check.within("IF-REG-05b", pauses[0], limit.first_pause_max, about)
        least = min(pauses[0] * limit.growth.number ** (len(pauses) - 1), limit.pause_max.number)
        check.true("IF-REG-05b", pauses[-1] >= least, say("间隔逐次增大", "the pauses grow"), f"{shown} s")
        check.within("IF-REG-05b", max(pauses), limit.pause_max, say("最长间隔", "longest pause"))
    check.step("s4")
    primary.accepting = province.backup.accepting = True
    back = await online(province, longest(limit.pause_max))
    check.control(back is not None, say("恢复后上线", "online afterwards"))
    if back is None:
        return
    seen, lost = len(primary.attempts), wire.now()
    back.abort()
    at = await arrival(primary.attempts, seen + 1, longest(limit.pause_max))
    about = say("上线后再次断开的首次等待", "first pause after having been online")
    check.within("IF-REG-05b", (at or lost + limit.pause_max.seconds) - lost, limit.first_pause_max, about)


@verifies("IF-REG-06", "IF-REG-06b", "IF-REG-06a", "IF-REG-03")
async def test_access_servers_fail(
    province: Province, registrar: Registrar, declaration: LoadedDeclaration, check: Checks, limits: Limits
) -> None:
    """The backup takes over, the primary comes first at the next reconnect, and without both the device registers."""
    if not await _fail_over(province, check, limits):
        for requirement in ("IF-REG-06b", "IF-REG-06a", "IF-REG-03"):
            check.inconclusive(requirement, say("设备未切换到备用", "the device did not change to the backup"))
        return
    await _back_to_primary(province, check, limits)
    await province.online(within=province.limits["back_online_wait"].seconds)
    check.step("s1")
    limit = limits("IF-REG-06a").register_within
    seen, lost = len(registrar.received), province.wire.now()
    await province.backup.stop()
    await province.primary.stop()
    await province.primary.start(province.primary.host, 0)
    check.step("s2")
    registered = await arrival(registrar.received, seen + 1, longest(limit))
    if registered is None:
        check.fail("IF-REG-06a", str(limit), say("未重新注册", "no new registration"))
        check.inconclusive("IF-REG-03", say("设备未重新注册", "the device did not register again"))
    else:
        check.within("IF-REG-06a", (registered.at - lost) / SECONDS[limit.unit], limit)
        check.step("s3")
        login = await message(province, "LOGIN", longest(limits("IF-REG-03").connect_within))
        port = province.primary.port
        expected = say(f"登录到新端口 {port}", f"a login at the new port {port}")
        for requirement in ("IF-REG-06a", "IF-REG-03"):
            check.true(requirement, login is not None, expected, login.link.server if login else "silence")
    if declaration.declaration.bench.access_port:
        await province.primary.stop()
        await province.primary.start(province.primary.host, declaration.declaration.bench.access_port)


async def _fail_over(province: Province, check: Checks, limits: Limits) -> bool:
    """IF-REG-06. Whether the device went to the backup."""
    limit = limits("IF-REG-06").failover_within
    link = await province.online()
    if link.server != "primary":
        link = (await relogin(province)).link
        await province.online()
    check.step("s1")
    check.control(link.server == "primary", say("设备在主服务器在线", "the device is online at the primary"))
    check.step("s2")
    lost = province.wire.now()
    await province.primary.stop()
    check.step("s3")
    login = await message(province, "LOGIN", longest(limit))
    if login is None:
        return check.fail("IF-REG-06", say("在备用服务器登录", "a login at the backup"), say("未登录", "none"))
    check.within("IF-REG-06", login.at - lost, limit)
    await province.online(within=longest(limit))
    return check.equal("IF-REG-06", login.link.server, "backup", say("登录的服务器", "server of the login"))


async def _back_to_primary(province: Province, check: Checks, limits: Limits) -> None:
    """IF-REG-06b, with the device online at the backup."""
    limit, primary = limits("IF-REG-06b"), province.primary
    link = await province.online()
    await primary.restart()
    check.step("s2")
    seen = len(primary.attempts)
    await province.wire.sleep(limit.quiet_window.seconds)
    stays = link.open and len(primary.attempts) == seen
    check.true("IF-REG-06b", stays, say("保持在备用服务器", "the device stays at the backup"), f"open {link.open}")
    check.step("s3")
    link.close()
    login = await message(province, "LOGIN", longest(limit.reconnect_within))
    server = login.link.server if login else say("未登录", "none")
    check.equal("IF-REG-06b", server, "primary", say("下一次登录的服务器", "server of the next login"))


@verifies("IF-REG-07", "IF-REG-07a")
async def test_clock(province: Province, control: DeviceControl, check: Checks, limits: Limits) -> None:
    """The answers to LOGIN and HEARTBEAT put the clock of the device right."""
    login, heartbeat = limits("IF-REG-07"), limits("IF-REG-07a")
    check.step("s1")
    province.answers["HEARTBEAT"] = without("Time")
    await _shift_clock(province, control, login.offset.seconds)
    error = await _clock_error(province, control)
    check.control(not login.clock_error.holds(abs(error)), say("时钟已拨偏", "the clock is wrong"))
    check.step("s2")
    province.answers["ABILITYUP"] = silent
    await relogin(province)
    check.step("s3")
    error = await _settled_error(province, control, login.applied_within.seconds, login.clock_error.number)
    check.within("IF-REG-07", abs(error), login.clock_error, say("登录后的时钟误差", "clock error after the login"))
    check.step("s1")
    await _shift_clock(province, control, heartbeat.offset.seconds)
    logins = len(province.messages("LOGIN"))
    province.answers.clear()
    check.step("s2")
    await province.next("HEARTBEAT", within=longest(heartbeat.heartbeat_within))
    check.step("s3")
    error = await _settled_error(province, control, heartbeat.applied_within.seconds, heartbeat.tolerated.number)
    about = say("心跳后的时钟误差", "clock error after the heartbeat")
    check.within("IF-REG-07a", abs(error), heartbeat.tolerated, about)
    check.control(len(province.messages("LOGIN")) == logins, say("期间未重新登录", "no new login in between"))


async def _clock_error(province: Province, control: DeviceControl) -> float:
    """Seconds by which the device clock is ahead of the platform's; the device tells whole seconds."""
    text = str((await control.do("clock")).get("time", ""))
    try:
        told = datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=CHINA)
    except ValueError:
        raise BenchFault(f"设备时钟读数 {text!r} 无法解析", f"the device clock reads {text!r}") from None
    return told.timestamp() - province.wire.epoch()


async def _shift_clock(province: Province, control: DeviceControl, seconds: float) -> None:
    moment = datetime.fromtimestamp(province.wire.epoch() + seconds, CHINA)
    await control.do("clock", set=moment.strftime("%Y%m%d%H%M%S"))


async def _settled_error(province: Province, control: DeviceControl, within: float, tolerated: float) -> float:
    """The clock error once it is small, or what it still is after ``within`` seconds."""
    deadline = province.wire.now() + within
    while True:
        error = await _clock_error(province, control)
        if abs(error) <= tolerated or province.wire.now() >= deadline:
            return error
        await province.wire.sleep(min(within, 1.0) / 10)


@verifies("IF-REG-08", "IF-REG-08a")
async def test_one_device_id(
    province: Province,
    registrar: Registrar,
    group: GroupPlatform,
    declaration: LoadedDeclaration,
    check: Checks,
    limits: Limits,
) -> None:
    """Every message of the session carries the declared DevID, also after a reconnect."""
    check.step("s3")
    await relogin(province)
    await province.online(within=province.limits["back_online_wait"].seconds)
    await province.command("STORE_QUERY")
    check.step("s1")
    http = [r.message for r in (*group.received, *registrar.received) if r.message is not None]
    said = [*http, *(r.message for r in province.received if "DevID" in r.message)]
    check.step("s2")
    declared = declaration.declaration.device.dev_id
    wrong = [f"{m.name} {m.get('DevID')!r}" for m in said if m.get("DevID") != declared]
    expected = say(f"均为 {declared}", f"{declared} everywhere")
    check.true("IF-REG-08", not wrong, expected, wrong[0] if wrong else f"{len(said)} messages")
    length = int(limits("IF-REG-08").manufacturer_length.number)
    makers = {m.get("ManufacturerNo") for m in http}
    check.equal("IF-REG-08", makers, {declared[:length]}, "ManufacturerNo")
    limit = limits("IF-REG-08a")
    ids = {m.get("DevID") for m in said}
    odd = [one for one in ids if not (one.isascii() and one.isalnum() and limit.length.holds(len(one)))]
    expected = say(f"{int(limit.length.number)} 位字母或数字", f"{int(limit.length.number)} letters or digits")
    check.true("IF-REG-08a", not odd, expected, odd[0] if odd else declared)
    keys = [len(m.get("DevKey").encode()) for m in (*http, *(r.message for r in province.messages("LOGIN")))]
    check.within("IF-REG-08a", max(keys), limit.key_length, say("DevKey 的长度", "length of DevKey"))
