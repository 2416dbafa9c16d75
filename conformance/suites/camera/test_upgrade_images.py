"""IF-MNT-04: images that must be refused."""

from __future__ import annotations

from conformance.model.checks import Checks, say
from conformance.peers.bench import Bench
from conformance.peers.firmware_images import Image
from conformance.peers.players import Players
from conformance.peers.province import Province
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.suites.camera.maintenance_steps import plays_in_time, watched
from conformance.suites.camera.registration_steps import longest
from conformance.suites.camera.signalling_steps import parameters
from conformance.suites.camera.upgrade_steps import FETCHED, REPORTED, SILENT, Upgrades, firmware_server

TRUNCATED_PART = 0.1
NO_IMAGE = say("声明未提供该镜像", "the declaration names no such image")
GOES_ON = say("正在播放的视频不中断", "running video goes on")
MEGABYTE = 1_000_000
EMPTY, OVERSIZE = "empty.bin", "oversize.bin"


@verifies("IF-MNT-04")
async def test_no_image_at_all(
    bench: Bench, province: Province, player: Players, check: Checks, limits: Limits
) -> None:
    """Random data as long as an image, while somebody watches."""
    check.step("s1")
    first_frame = limits("IF-MNT-03").first_frame
    viewer = await watched(player, check, first_frame)
    if viewer is None:
        return
    async with firmware_server(bench) as ftp:
        steps = Upgrades(bench, ftp, check, limits, "IF-MNT-04")
        good = steps.newer()
        if good is None:
            return
        noise = Image(f"noise-{good.name}", bench.wire.random.randbytes(len(good.data)), good.version)
        await steps.refused(noise, good.version)
    track = viewer.video
    goes_on = track is not None and await viewer.wait_packets(track, len(track.rtp) + 1, longest(first_frame))
    check.true("IF-MNT-04", goes_on, GOES_ON, f"{viewer.media_packets} packets")


@verifies("IF-MNT-04a")
async def test_truncated_image(
    bench: Bench, province: Province, player: Players, check: Checks, limits: Limits
) -> None:
    """A valid image without its last part."""
    async with firmware_server(bench) as ftp:
        steps = Upgrades(bench, ftp, check, limits, "IF-MNT-04a")
        check.step("s1")
        good = steps.newer()
        if good is not None:
            await _refused_and_plays(steps, player, good.truncated(TRUNCATED_PART))


@verifies("IF-MNT-04b")
async def test_changed_image(bench: Bench, province: Province, player: Players, check: Checks, limits: Limits) -> None:
    """A valid image with one byte inverted, and one signed with another key where the vendor gives it."""
    async with firmware_server(bench) as ftp:
        steps = Upgrades(bench, ftp, check, limits, "IF-MNT-04b")
        check.step("s1")
        good, forged = steps.newer(), bench.images.other("bad_signature")
        if good is not None and await _refused_and_plays(steps, player, good.changed()) and forged is not None:
            check.step("s1")
            await steps.refused(forged, forged.version or good.version, forged.name)


@verifies("IF-MNT-04c")
async def test_image_for_another_model(
    bench: Bench, province: Province, player: Players, check: Checks, limits: Limits
) -> None:
    """A validly signed image for another model."""
    check.step("s1")
    image = bench.images.other("foreign_model")
    if image is None:
        check.inconclusive("IF-MNT-04c", NO_IMAGE)
        return
    async with firmware_server(bench) as ftp:
        await _refused_and_plays(Upgrades(bench, ftp, check, limits, "IF-MNT-04c"), player, image)


@verifies("IF-MNT-04d")
async def test_image_that_is_not_newer(bench: Bench, province: Province, check: Checks, limits: Limits) -> None:
    """An older image, and one of the present version where there is one; NewDevVer names a newer version."""
    async with firmware_server(bench) as ftp:
        steps = Upgrades(bench, ftp, check, limits, "IF-MNT-04d")
        check.step("s1")
        images = [bench.images.other("older"), bench.images.of(steps.version)]
        known = [image for image in images if image is not None]
        if not known:
            check.inconclusive("IF-MNT-04d", NO_IMAGE)
        for image in known:
            if not await steps.refused(image, steps.announced, image.name):
                return


async def _refused_and_plays(steps: Upgrades, player: Players, image: Image) -> bool:
    """The image is refused, and video plays afterwards."""
    if not await steps.refused(image, image.version or steps.announced, image.name):
        return False
    return await plays_in_time(player, steps.check, steps.requirement, steps.limits("IF-MNT-03").first_frame)


@verifies("IF-MNT-04e")
async def test_empty_and_oversized_image(
    bench: Bench, province: Province, player: Players, check: Checks, limits: Limits
) -> None:
    """A file without content, and one that never seems to end."""
    limit = limits("IF-MNT-04e")
    link = await province.online()
    async with firmware_server(bench) as ftp:
        steps = Upgrades(bench, ftp, check, limits, "IF-MNT-04e")
        version = steps.version
        ftp.bends.told[OVERSIZE] = round(limit.oversize.number * MEGABYTE)
        for step, image in (("s1", Image(EMPTY, b"")), ("s2", Image(OVERSIZE, b"\0"))):
            check.step(step)
            ftp.bends.pace = limit.pace.number * MEGABYTE / 8 if image.data else 0.0
            sent = bench.wire.now()
            exchanged = await steps.order(image, steps.announced)
            if exchanged.result != 0:
                check.true("IF-MNT-04e", link.open, say("拒绝升级命令", "the command is refused"), about=image.name)
                continue
            notice = await steps.exception(sent, limit.refuse_time)
            check.control(ftp.asked_for(image.name, sent), FETCHED)
            check.true("IF-MNT-04e", notice is not None, REPORTED, SILENT if notice is None else "", image.name)
            ftp.drop()
        check.step("s3")
        await parameters(province)
        await plays_in_time(player, check, "IF-MNT-04e", limits("IF-MNT-03").first_frame)
        check.equal(
            "IF-MNT-04e", (steps.version, link.open), (version, True), say("DevVer 与连接", "DevVer, connection")
        )
