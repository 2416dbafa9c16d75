"""IF-REG: redirect, registration, the way to the access servers, back-off, clock, identity."""

from __future__ import annotations

from datetime import datetime

from conformance.model.checks import Checks, say
from conformance.peers.answers import changed, silent, without
from conformance.peers.device_control import DeviceControl
from conformance.peers.faults import BenchFault, DeviceFault
from conformance.peers.group import GroupPlatform
from conformance.peers.province import CHINA, Province
from conformance.peers.registrar import Registrar
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.suites.camera.registration_steps import (
    first_of,
    longest,
    message,
    online,
    relogin,
    request_faults,
    restart,
)
from specs.declaration import LoadedDeclaration
from specs.messages import MessageTable

CLOCK_TRIES = 3
MAY_BE_EMPTY = (
    *("BackupNatIP", "BackupNatPort", "TurnIP", "TurnPort", "BackupTurnIP", "BackupTurnPort"),
    *("FtpIP", "FtpPort", "FtpAccount", "FtpPassword", "Time"),
)
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
    await first_of(registrar.received, group.attempts, longest(limits("IF-REG-02b").back_online_within))
    registered = registrar.received[seen] if len(registrar.received) > seen else None
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


@verifies("IF-REG-07", "IF-REG-07a")
async def test_clock(province: Province, control: DeviceControl, check: Checks, limits: Limits) -> None:
    """The answers to LOGIN and HEARTBEAT put the clock of the device right."""
    login, heartbeat = limits("IF-REG-07"), limits("IF-REG-07a")
    check.step("s1")
    province.answers["HEARTBEAT"] = without("Time")
    for _ in range(CLOCK_TRIES):  # a heartbeat answered just before may still put the clock right
        await _shift_clock(province, control, login.offset.seconds)
        error = await _clock_error(province, control)
        if not login.clock_error.holds(abs(error)):
            break
    check.control(not login.clock_error.holds(abs(error)), say("时钟已拨偏", "the clock is wrong"))
    check.step("s2")
    province.answers["ABILITYUP"] = silent
    await relogin(province)
    check.step("s3")
    error = await _settled_error(province, control, login.applied_within.seconds, login.clock_error.number)
    check.figures["clock_offset"] = round(error, 3)
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
