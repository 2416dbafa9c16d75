"""BIZ-LIV: choice of the stream, and pan and tilt as the shopkeeper sees them."""

from __future__ import annotations

from conformance.model.checks import Checks, say
from conformance.peers.device_control import DeviceControl
from conformance.peers.players import Players
from conformance.peers.province import Province
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.suites.camera.signalling_steps import parameters
from conformance.suites.camera.stream_measure import measure
from conformance.suites.camera.test_control import moves_and_stops

MAIN, SUB = 1, 2
REFUSED = 255


@verifies("BIZ-LIV-02")
async def test_main_and_sub_stream(province: Province, player: Players, check: Checks, limits: Limits) -> None:
    """Each streamtype has its own picture size, and the sub stream needs fewer bits."""
    check.step("s1")
    sizes = province.table.frame_sizes
    told = [sizes[int((await parameters(province, 0, stream))["FrameSize"])] for stream in (MAIN, SUB)]
    check.step("s2")
    main, sub = await measure(player, limits("BIZ-LIV-02").window.seconds, MAIN, SUB)
    check.step("s3")
    small = limits("IF-PAR-03b").height
    check.equal("BIZ-LIV-02", main.size, tuple(told[0]), "streamtype=1")
    held = sub.size == tuple(told[1]) or (sub.size[0] == told[1][0] and small.holds(sub.size[1]))
    check.true("BIZ-LIV-02", held, f"{told[1][0]}x{told[1][1]}", sub, "streamtype=2")
    fewer = say("子码流码率低于主码流", "fewer bits in the sub stream")
    check.true("BIZ-LIV-02", sub.kbit_s < main.kbit_s, fewer, f"{main.kbit_s:.4g} and {sub.kbit_s:.4g} kbit/s")


@verifies("BIZ-LIV-03")
async def test_shopkeeper_moves_the_camera(
    province: Province, control: DeviceControl, check: Checks, limits: Limits
) -> None:
    """Up, down, left, right and stop."""
    limit = limits("BIZ-LIV-03")
    await moves_and_stops(province, control, check, "BIZ-LIV-03", limit.move_time, limit.stop_time)


@verifies("BIZ-LIV-03a")
async def test_camera_without_pan_and_tilt(province: Province, check: Checks, limits: Limits) -> None:
    """PTZFlag is 0 and every direction is refused."""
    within = limits("BIZ-LIV-03a").answer_wait.seconds
    check.step("s1")
    control = await province.command("GET_CHANNEL", ChannelNo=0, StreamType=MAIN, within=within)
    check.control(control.result == 0, say("设备应答查询", "the device answers a query"))
    flag = province.abilities.get("PTZFlag") if province.abilities else ""
    check.equal("BIZ-LIV-03a", flag, "0", "PTZFlag")
    check.step("s2")
    answers = [await province.command("VIDEO_PTZ", ChannelNo=0, PtzDirection=d, within=within) for d in range(5)]
    check.step("s3")
    check.equal("BIZ-LIV-03a", [answer.result for answer in answers], [REFUSED] * 5, "VIDEO_PTZ")
