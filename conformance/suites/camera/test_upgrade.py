"""IF-MNT-03 and IF-MNT-06: remote upgrade with a valid image, and downloads that fail."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from conformance.model.checks import Checks, say
from conformance.peers.bench import Bench
from conformance.peers.device_link import DeviceLink
from conformance.peers.faults import DeviceFault
from conformance.peers.firmware_images import Image
from conformance.peers.firmware_server import FirmwareServer
from conformance.peers.ftp_server import FtpServer
from conformance.peers.players import Players
from conformance.peers.province import Province
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.suites.camera.kept_settings import KeptSettings
from conformance.suites.camera.maintenance_steps import STAYS, plays_in_time, reported_at
from conformance.suites.camera.registration_steps import longest
from conformance.suites.camera.signalling_steps import parameters
from conformance.suites.camera.upgrade_steps import (
    DOWNLOAD_FAILED,
    FETCHED,
    NOT_TAKEN,
    REPORTED,
    SILENT,
    USED_UP,
    Upgrades,
    firmware_server,
)
from specs.declaration import LoadedDeclaration
from specs.model import Limit, Text

MISSING = "no-such-image.bin"
QUERIES = 8


@verifies("IF-MNT-03", "IF-MNT-06")
async def test_upgrade_with_a_valid_image(
    bench: Bench, province: Province, player: Players, check: Checks, limits: Limits, declaration: LoadedDeclaration
) -> None:
    """The new version logs in with the same identity and settings, and video plays."""
    limit, settings = limits("IF-MNT-03"), KeptSettings(province, declaration)
    async with firmware_server(bench) as ftp:
        steps = Upgrades(bench, ftp, check, limits, "IF-MNT-03")
        check.step("s1")
        image = steps.newer()
        if image is None:
            check.inconclusive("IF-MNT-06", USED_UP)
            return
        await settings.change()
        try:
            before, identity, since = await settings.read(), _identity(bench), bench.wire.now()
            check.step("s2")
            exchanged = await steps.order(image, within=limit.answer_wait)
            check.equal("IF-MNT-03", exchanged.result, 0, "UPGRADE")
            check.within("IF-MNT-03", exchanged.seconds, limit.answer_wait, say("应答时间", "time of the answer"))
            if not await steps.finished(image, exchanged.answered_at, limit.upgrade_time):
                check.inconclusive("IF-MNT-06", say("升级未成功", "the upgrade did not succeed"))
                return
            check.step("s3")
            _judge_transfer(steps, image, since)
            check.equal("IF-MNT-06", _identity(bench), identity, "DevID, DevKey")
            check.equal("IF-MNT-06", await settings.read(), before, say("全部设置", "all settings"))
            check.step("s4")
            await plays_in_time(player, check, "IF-MNT-03", limit.first_frame)
        finally:
            await settings.restore()


def _identity(bench: Bench) -> list[tuple[str, str]]:
    """DevID and DevKey of the last registration and of the last login."""
    registered, login = bench.registrar.received[-1].message, bench.province.messages("LOGIN")[-1].message
    messages = [message for message in (registered, login) if message is not None]
    return [(message.get("DevID"), message.get("DevKey")) for message in messages]


def _judge_transfer(steps: Upgrades, image: Image, since: float) -> None:
    """Account, mode, name and completeness of the transfer that led to the new version."""
    transfers = [t for t in steps.ftp.transfers if t.at >= since and t.name == image.name]
    expected = say("以所给账号、二进制方式完整取走", "fetched whole, in binary mode, with the account given")
    shown = "; ".join(f"{t.user}, {'binary' if t.binary else 'ASCII'}, {t.sent} bytes" for t in transfers)
    held = bool(transfers) and all(t.binary for t in transfers) and transfers[-1].complete
    steps.check.true(steps.requirement, held, expected, shown or "-", image.name)


@verifies("IF-MNT-03a")
async def test_image_that_cannot_be_fetched(
    bench: Bench, province: Province, player: Players, check: Checks, limits: Limits
) -> None:
    """The file is missing, the password is wrong, nobody listens: each is reported and the device goes on."""
    async with firmware_server(bench) as nobody:
        dead = {"FtpPort": nobody.port}
    async with firmware_server(bench) as ftp:
        steps = Upgrades(bench, ftp, check, limits, "IF-MNT-03a")
        link, version = await province.online(), steps.version
        await _judge_failure(steps, {}, say("文件不存在", "the file is missing"))
        await _judge_failure(steps, {"FtpPassword": f"no-{ftp.password}"}, say("口令错误", "the password is wrong"))
        await _judge_failure(steps, dead, say("端口无人监听", "nobody listens"))
        check.step("s3")
        await link.ended(limits("IF-MNT-03a").watch.seconds)
        await province.online(within=bench.limits["back_online_wait"].seconds)
        await parameters(province)
        await plays_in_time(player, check, "IF-MNT-03a", limits("IF-MNT-03").first_frame)
        _judge_untouched(steps, link, version)


async def _judge_failure(steps: Upgrades, bent: Mapping[str, object], about: Text) -> None:
    """UPGRADE for a file that cannot be had; the report comes in time and says why."""
    check, requirement, limit = steps.check, steps.requirement, steps.limits(steps.requirement)
    check.step("s1")
    elements, sent = {**steps.ftp.elements, **bent}, steps.bench.wire.now()
    exchanged = await steps.command(MISSING, steps.announced, elements, limit.answer_wait)
    if exchanged.result != 0:
        check.inconclusive(requirement, NOT_TAKEN)
        return
    check.step("s2")
    notice = await steps.exception(sent, limit.notify_wait)
    if notice is None:
        check.fail(requirement, REPORTED, SILENT, about)
        return
    check.within(requirement, notice.at - exchanged.answered_at, limit.notify_wait, REPORTED)
    check.equal(requirement, notice.message.get("ExceptionType"), DOWNLOAD_FAILED, about)
    text = notice.message.get("ExceptionDesc").strip()
    check.true(requirement, bool(text), say("ExceptionDesc 说明原因", "ExceptionDesc says why"), text, about)


def _judge_untouched(steps: Upgrades, link: DeviceLink, version: str) -> None:
    """The connection of before is still there, and so is the version."""
    observed = say("连接保持", "the connection stayed") if link.open else say("连接断开", "the connection ended")
    steps.check.true(steps.requirement, link.open, STAYS, observed)
    steps.check.equal(steps.requirement, steps.version, version, "DevVer")


@verifies("IF-MNT-03b")
async def test_upgrade_leaves_stored_ftp_settings(
    bench: Bench, province: Province, ftp: FtpServer, check: Checks, limits: Limits
) -> None:
    """An upgrade from one server, then one without parameters: it goes to the server of the registration."""
    wait = limits("IF-MNT-03b").contact_wait
    async with firmware_server(bench) as other:
        steps = Upgrades(bench, other, check, limits, "IF-MNT-03b")
        check.step("s1")
        sent = bench.wire.now()
        await steps.command(MISSING, steps.announced, other.elements)
        await steps.exception(sent, wait)
        check.control(other.asked_for(MISSING, sent), FETCHED)
        check.step("s2")
        sent = bench.wire.now()
        await steps.command(MISSING, steps.announced, {})
        came = await ftp.wait_for(_logins, longest(wait))
        check.step("s3")
        wrong = sum(request.at > sent for request in other.requests)
        observed = say(
            f"登录账号 {_logins(ftp)}，另一服务器收到 {wrong} 条命令",
            f"logins {_logins(ftp)}, the other server got {wrong} commands",
        )
        held = came and set(_logins(ftp)) == {ftp.user}
        check.true(
            "IF-MNT-03b", held, say("使用注册下发的 FTP 与账号", "server and account of the registration"), observed
        )
        await steps.exception(sent, wait)


def _logins(server: FtpServer) -> list[str]:
    """Accounts with which the device tried to log in."""
    return [command.argument for command in server.commands if command.verb == "USER"]


@verifies("IF-MNT-03c")
async def test_signalling_during_a_slow_download(
    bench: Bench, province: Province, check: Checks, limits: Limits
) -> None:
    """Commands are answered and heartbeats come while the image trickles in; then the transfer is broken off."""
    limit = limits("IF-MNT-03c")
    window = longest(limit.silence)
    async with firmware_server(bench) as ftp:
        steps = Upgrades(bench, ftp, check, limits, "IF-MNT-03c")
        check.step("s1")
        link, version, image = await province.online(), steps.version, steps.newer()
        if image is None:
            return
        ftp.bends.pace = len(image.data) / (2 * window)
        sent = bench.wire.now()
        exchanged = await steps.order(image, within=limit.answer_wait)
        if not check.equal("IF-MNT-03c", exchanged.result, 0, "UPGRADE"):
            return
        check.step("s2")
        await _query_until(steps, sent + window)
        check.control(ftp.asked_for(image.name, sent), FETCHED)
        _judge_heartbeats(steps, ftp, sent)
        check.step("s3")
        ftp.drop()
        await steps.exception(sent, limits("IF-MNT-03a").notify_wait)
        _judge_untouched(steps, link, version)


async def _query_until(steps: Upgrades, until: float) -> None:
    """GET_CHANNEL again and again while the download goes on."""
    limit, started = steps.limits(steps.requirement).answer_wait, steps.bench.wire.now()
    while steps.bench.wire.now() < until and not steps.exceptions(started):
        try:
            answer = await steps.province.command("GET_CHANNEL", within=longest(limit), ChannelNo=0, StreamType=1)
        except DeviceFault as fault:
            steps.check.fail(steps.requirement, say("下载期间的应答", "an answer during the download"), fault.text)
            return
        steps.check.within(steps.requirement, answer.seconds, limit, say("应答时间", "time of the answer"))
        await steps.bench.wire.sleep((until - started) / QUERIES)


def _judge_heartbeats(steps: Upgrades, ftp: FirmwareServer, since: float) -> None:
    """The longest time without a heartbeat from the last one before the download until now."""
    beats = [beat.at for beat in steps.province.messages("HEARTBEAT")]
    before = [at for at in beats if at < since][-1:]
    moments = [*before, *(at for at in beats if at >= since), steps.bench.wire.now()]
    silence = max((later - at for at, later in pairwise(moments)), default=0.0)
    about = say("最长无心跳时间", "longest time without a heartbeat")
    steps.check.within(steps.requirement, silence, steps.limits(steps.requirement).silence, about)


@verifies("IF-MNT-03e")
async def test_second_upgrade_while_one_is_at_work(
    bench: Bench, province: Province, check: Checks, limits: Limits
) -> None:
    """Two UPGRADE for the same image; the first is carried out, once."""
    limit = limits("IF-MNT-03e")
    async with firmware_server(bench) as ftp:
        steps = Upgrades(bench, ftp, check, limits, "IF-MNT-03e")
        check.step("s1")
        image = steps.newer()
        if image is None:
            return
        ftp.bends.pace = len(image.data) / limit.transfer.seconds
        sent = bench.wire.now()
        exchanged = await steps.order(image, within=limit.answer_wait)
        if not check.equal("IF-MNT-03e", exchanged.result, 0, "UPGRADE"):
            return
        if not check.control(await ftp.fetching(image.name, longest(limit.upgrade_time)), FETCHED):
            return
        check.step("s2")
        second = await steps.order(image, within=limit.answer_wait)
        check.within("IF-MNT-03e", second.seconds, limit.answer_wait, say("第二条命令的应答时间", "the second answer"))
        check.step("s3")
        if await _new_version(steps, image, exchanged.answered_at, limit.upgrade_time):
            link = await province.online()
            again = await link.ended(limit.watch.seconds)
            observed = say(f"再次断开: {again}", f"ended again: {again}")
            once = steps.registrations(sent) == 1 and not again
            check.true("IF-MNT-03e", once, say("恰好重启一次", "exactly one restart"), observed)


async def _new_version(steps: Upgrades, image: Image, since: float, limit: Limit) -> bool:
    """Whether the device logs in with the version of the image; it may report the second command as an exception."""
    at = await reported_at(steps.province, since, limit)
    expected = say("以新版本登录", "a login with the new version")
    return steps.check.true(
        steps.requirement, at is not None and steps.version == image.version, expected, steps.version
    )
