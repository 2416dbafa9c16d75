"""IF-MNT-05: transfers and supplies that break in the middle of an upgrade."""

from __future__ import annotations

from conformance.model.checks import Checks, say
from conformance.peers.bench import Bench
from conformance.peers.device_control import DeviceControl
from conformance.peers.players import Players
from conformance.peers.province import Province
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.suites.camera.maintenance_steps import in_unit, plays_in_time, reported_at
from conformance.suites.camera.registration_steps import longest
from conformance.suites.camera.upgrade_steps import FETCHED, REPORTED, SILENT, Upgrades, firmware_server

BACK = say("恢复供电后重新登录并上报能力", "login with ability report after power returned")
EITHER = say("旧版本或新版本", "the old or the new version")
CUT = say("测试台在设定的进度断电", "the bench cut the supply at the point set")


@verifies("IF-MNT-05")
async def test_transfer_broken_off(bench: Bench, province: Province, check: Checks, limits: Limits) -> None:
    """The server drops the transfer half way; the next upgrade succeeds."""
    limit = limits("IF-MNT-05")
    async with firmware_server(bench) as ftp:
        steps = Upgrades(bench, ftp, check, limits, "IF-MNT-05")
        check.step("s1")
        image, before = steps.newer(), steps.version
        if image is None:
            return
        ftp.bends.break_after[image.name] = round(len(image.data) * limit.cut_at.number / 100)
        sent = bench.wire.now()
        exchanged = await steps.order(image)
        if not check.equal("IF-MNT-05", exchanged.result, 0, "UPGRADE"):
            return
        check.step("s2")
        notice = await steps.exception(sent, limit.refuse_time)
        check.control(any(t.name == image.name for t in ftp.transfers), FETCHED)
        if notice is None and any(t.complete for t in ftp.transfers):
            await steps.finished(image, exchanged.answered_at, limit.upgrade_time)
            return
        if notice is not None:
            check.within("IF-MNT-05", in_unit(limit.refuse_time, notice.at - sent), limit.refuse_time, REPORTED)
        else:
            check.fail("IF-MNT-05", REPORTED, SILENT)
        check.equal("IF-MNT-05", steps.version, before, "DevVer")
        check.step("s3")
        await province.online(within=bench.limits["back_online_wait"].seconds)
        await steps.succeeds(image, limit.upgrade_time)


@verifies("IF-MNT-05a")
async def test_power_cut_at_the_beginning(
    bench: Bench, province: Province, player: Players, control: DeviceControl, check: Checks, limits: Limits
) -> None:
    """The supply fails shortly after the beginning of an upgrade."""
    await _survives_cut(bench, player, control, check, limits, "IF-MNT-05a")


@verifies("IF-MNT-05b")
async def test_power_cut_half_way(
    bench: Bench, province: Province, player: Players, control: DeviceControl, check: Checks, limits: Limits
) -> None:
    """The supply fails half way through an upgrade."""
    await _survives_cut(bench, player, control, check, limits, "IF-MNT-05b")


@verifies("IF-MNT-05c")
async def test_power_cut_near_the_end(
    bench: Bench, province: Province, player: Players, control: DeviceControl, check: Checks, limits: Limits
) -> None:
    """The supply fails near the end of an upgrade."""
    await _survives_cut(bench, player, control, check, limits, "IF-MNT-05c")


async def _survives_cut(
    bench: Bench, player: Players, control: DeviceControl, check: Checks, limits: Limits, requirement: str
) -> None:
    """After the cut the device logs in with the old or the new version, plays, and can be upgraded."""
    limit, province = limits(requirement), bench.province
    async with firmware_server(bench) as ftp:
        steps = Upgrades(bench, ftp, check, limits, requirement)
        check.step("s1")
        link, before, image = await province.online(), steps.version, steps.newer()
        if image is None:
            return
        await control.do("power", state="off", at={"upgrade_percent": limit.cut_at.number})
        exchanged = await steps.order(image)
        if not check.equal(requirement, exchanged.result, 0, "UPGRADE"):
            await _power_cycle(control)
            return
        check.step("s2")
        gone = await link.ended(longest(limit.upgrade_time))
        await control.do("power", state="off")
        if not check.control(gone, CUT):
            await control.do("power", state="on")
            return
        restored = bench.wire.now()
        await control.do("power", state="on")
        back = await reported_at(province, restored, limit.back_online)
        if back is None:
            check.fail(requirement, BACK, say("未上线", "it did not come online"))
            return
        check.within(requirement, back - restored, limit.back_online, BACK)
        check.step("s3")
        check.true(requirement, steps.version in (before, image.version), EITHER, steps.version, "DevVer")
        await plays_in_time(player, check, requirement, limits("IF-MNT-03").first_frame)
        check.step("s4")
        again = bench.images.after(steps.version)
        if again is not None:
            await steps.succeeds(again, limit.upgrade_time)


async def _power_cycle(control: DeviceControl) -> None:
    """Off and on by hand, which also takes back a cut that was armed."""
    await control.do("power", state="off")
    await control.do("power", state="on")
