"""ONV-PTZ: nodes, moves, presets."""

from __future__ import annotations

from dataclasses import replace

from conformance.model.checks import Checks, Says, say
from conformance.peers.onvif.onvif import Onvif
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.protocols.onvif_events import duration
from conformance.protocols.onvif_ptz import Vector
from conformance.protocols.safe_xml import text_content
from conformance.protocols.soap import element
from conformance.suites.camera.onvif.ptz_steps import (
    POSITION,
    VELOCITY,
    Unit,
    at_rest,
    moving,
    nodes,
    profiles_with_ptz,
    unit,
    velocity_of,
)
from conformance.suites.camera.onvif.service_steps import (
    INVALID_POSITION,
    INVALID_VELOCITY,
    NO_PROFILE,
    NO_TOKEN,
    control_answer,
    judge_fault,
    judge_ok,
    offered,
    unknown_token,
)

HALF = 0.5
MOVES = say("状态为 MOVING 或位置改变", "MOVING, or another position")
RESTS = say("静止且位置不变", "at rest, and the position stays")


@verifies("ONV-PTZ-01")
async def test_references(onvif: Onvif, check: Checks) -> None:
    """Configurations name nodes that exist, and a profile has PTZ."""
    if not offered(onvif, check, "ptz", "ONV-PTZ-01"):
        return
    check.step("s1")
    answers = {name: await onvif.call("ptz", name) for name in ("GetNodes", "GetConfigurations")}
    good = [judge_ok(check, "ONV-PTZ-01", answer) for answer in answers.values()]
    if not all(good):
        return
    tokens = [node.token for node in await nodes(onvif)]
    check.step("s2")
    check.equal("ONV-PTZ-01", len(set(tokens)), len(tokens), say("互不相同的节点令牌", "different tokens of nodes"))
    configurations = answers["GetConfigurations"].all("PTZConfiguration")
    for node in configurations:
        named = node.value("NodeToken") or "-"
        expected = say("存在的节点", "a node that exists")
        check.true("ONV-PTZ-01", named in tokens, expected, named, node.attribute("token") or "-")
    with_ptz = await profiles_with_ptz(onvif, check)
    expected = say("至少一个含云台配置的配置集", "at least one profile with a PTZ configuration")
    check.true("ONV-PTZ-01", bool(with_ptz), expected, [profile.token for profile in with_ptz])
    known = {node.attribute("token") for node in configurations}
    for profile in with_ptz:
        expected = say("存在的云台配置", "a PTZ configuration that exists")
        part = profile.part("PTZConfiguration")
        check.true("ONV-PTZ-01", part in known, expected, part, profile.token)


async def judge_rest(found: Unit, check: Checks, requirement: str, limits: Limits, about: Says) -> None:
    """The unit says that it rests, and its position stays."""
    limit = limits(requirement)
    within = limit.stop_within.seconds + limit.stop_within.uncertainty
    first = await found.until(at_rest, within)
    await found.onvif.wire.sleep(limit.settle_window.seconds)
    second = await found.status()
    held = first is not None and second is not None and at_rest(first) and at_rest(second)
    if held and first is not None and second is not None and first.position != Vector():
        held = first.position.near(second.position, found.reach(limit.tolerance.number))
    observed = f"{first.position if first else '-'}, {second.position if second else '-'}"
    check.true(requirement, held, RESTS, observed, about)


async def judge_moves(found: Unit, check: Checks, requirement: str, limits: Limits, from_here: Vector) -> bool:
    """The unit says that it moves, or is elsewhere."""
    limit = limits(requirement)
    near = found.reach(limit.tolerance.number) / 2

    def away(position: Vector) -> bool:
        return position != Vector() and not position.near(from_here, near)

    seen = await found.until(lambda status: moving(status) or away(status.position), limit.effect_within.seconds)
    held = seen is not None and (moving(seen) or away(seen.position))
    return check.true(requirement, held, MOVES, f"{from_here} -> {seen.position if seen else '-'}")


async def judge_start(found: Unit, check: Checks, requirement: str, limits: Limits, timeout: str = "") -> bool:
    """A move within the range is taken and shows; False where the status is not told."""
    before = await found.status()
    if before is None:
        check.inconclusive(requirement, say("设备不给出云台状态", "the device does not tell a PTZ status"))
        return False
    # from the end of the range a unit can only move back
    ranges = found.space(POSITION)
    share = -HALF if ranges and before.position.pan is not None and before.position.pan > ranges[0].middle else HALF
    answer = await found.move(velocity_of(found, share), timeout)
    if not judge_ok(check, requirement, answer):
        return False
    return await judge_moves(found, check, requirement, limits, before.position)


@verifies("ONV-PTZ-02")
async def test_move_and_stop(onvif: Onvif, check: Checks, limits: Limits) -> None:
    """A continuous move moves until it is stopped."""
    found = await unit(onvif, check, "ONV-PTZ-02", VELOCITY)
    if found is None:
        return
    check.step("s1")
    if not await judge_start(found, check, "ONV-PTZ-02", limits):
        return
    check.step("s3")
    if judge_ok(check, "ONV-PTZ-02", await found.stop()):
        await judge_rest(found, check, "ONV-PTZ-02", limits, "Stop")


@verifies("ONV-PTZ-03")
async def test_timeout_of_a_move(onvif: Onvif, check: Checks, limits: Limits) -> None:
    """A continuous move with a timeout ends by itself."""
    found = await unit(onvif, check, "ONV-PTZ-03", VELOCITY)
    if found is None:
        return
    check.step("s1")
    move_time = await found.timeout_near(limits("ONV-PTZ-03").move_time.seconds)
    if not await judge_start(found, check, "ONV-PTZ-03", limits, duration(move_time)):
        return
    check.step("s2")
    await onvif.wire.sleep(move_time)
    await judge_rest(found, check, "ONV-PTZ-03", limits, f"Timeout {move_time:g} s")


@verifies("ONV-PTZ-04")
async def test_velocity_out_of_range(onvif: Onvif, check: Checks, limits: Limits) -> None:
    """A velocity that the node does not have moves nothing."""
    found = await unit(onvif, check, "ONV-PTZ-04", VELOCITY)
    if found is None:
        return
    check.step("s1")
    control_answer(check, await found.move(velocity_of(found, HALF)))
    control_answer(check, await found.stop())
    await found.until(at_rest, limits("ONV-PTZ-04").stop_within.seconds)
    check.step("s2")
    judge_fault(check, "ONV-PTZ-04", await found.move(velocity_of(found, 3.0)), INVALID_VELOCITY, "ContinuousMove")
    check.step("s3")
    await judge_rest(found, check, "ONV-PTZ-04", limits, say("拒绝之后", "after the refusal"))


@verifies("ONV-PTZ-05")
async def test_presets(onvif: Onvif, check: Checks, limits: Limits) -> None:
    """A preset is made, gone to and removed."""
    found = await unit(onvif, check, "ONV-PTZ-05")
    if found is None:
        return
    if not found.node.presets:
        check.not_applicable("ONV-PTZ-05", say("节点没有预置位", "the node holds no presets"))
        return
    check.step("s1")
    before, name = await found.status(), f"kandian-{onvif.wire.random.getrandbits(24):06x}"
    made = await found.call("SetPreset", element("tptz:PresetName", name))
    if not judge_ok(check, "ONV-PTZ-05", made):
        return
    token = made.value("PresetToken") or ""
    named = element("tptz:PresetToken", text_content(token))
    onvif.undo(lambda: found.call("RemovePreset", named))
    listed = {preset.token: preset.name for preset in await found.presets()}
    check.equal("ONV-PTZ-05", listed.get(token), name, f"GetPresets {token}")
    check.step("s2")
    await judge_return(found, check, limits, named, before.position if before else Vector())
    check.step("s3")
    judge_ok(check, "ONV-PTZ-05", await found.call("RemovePreset", named))
    expected = say("列表中不再有它", "no longer in the list")
    tokens = [preset.token for preset in await found.presets()]
    check.true("ONV-PTZ-05", token not in tokens, expected, tokens, "RemovePreset")


async def judge_return(found: Unit, check: Checks, limits: Limits, named: str, home: Vector) -> None:
    """From elsewhere the preset brings the unit back."""
    limit = limits("ONV-PTZ-05")
    near = found.reach(limit.tolerance.number)
    if home != Vector() and found.space(VELOCITY) is not None:
        away = HALF if home.pan is None or home.pan <= 0 else -HALF
        control_answer(check, await found.move(velocity_of(found, away)))
        await found.until(lambda status: not status.position.near(home, near * 2), limit.effect_within.seconds)
        control_answer(check, await found.stop())
    if not judge_ok(check, "ONV-PTZ-05", await found.call("GotoPreset", named)) or home == Vector():
        return
    within = limit.reach_within.seconds + limit.reach_within.uncertainty
    there = await found.until(lambda status: status.position.near(home, near) and at_rest(status), within)
    held = there is not None and there.position.near(home, near)
    check.true("ONV-PTZ-05", held, str(home), there.position if there else "-", "GotoPreset")


@verifies("ONV-PTZ-06")
async def test_unknown_preset(onvif: Onvif, check: Checks) -> None:
    """The fault for a preset that does not exist."""
    found = await unit(onvif, check, "ONV-PTZ-06")
    if found is None:
        return
    if not found.node.presets:
        check.not_applicable("ONV-PTZ-06", say("节点没有预置位", "the node holds no presets"))
        return
    check.step("s1")
    control_answer(check, await found.call("GetPresets"))
    check.step("s2")
    named = element("tptz:PresetToken", unknown_token(preset.token for preset in await found.presets()))
    for operation in ("GotoPreset", "RemovePreset"):
        judge_fault(check, "ONV-PTZ-06", await found.call(operation, named), NO_TOKEN, operation)


@verifies("ONV-PTZ-07")
async def test_unknown_profile(onvif: Onvif, check: Checks) -> None:
    """The fault for a profile that does not exist."""
    found = await unit(onvif, check, "ONV-PTZ-07")
    if found is None:
        return
    check.step("s1")
    control_answer(check, await found.call("GetStatus"))
    check.step("s2")
    nobody = replace(found, profile=unknown_token([found.profile]))
    answers = {
        "GetStatus": await nobody.call("GetStatus"),
        "GetPresets": await nobody.call("GetPresets"),
        "ContinuousMove": await nobody.move(velocity_of(found, HALF)),
        "Stop": await nobody.stop(),
    }
    for operation, answer in answers.items():
        judge_fault(check, "ONV-PTZ-07", answer, NO_PROFILE, operation)


@verifies("ONV-PTZ-08")
async def test_absolute_move(onvif: Onvif, check: Checks, limits: Limits) -> None:
    """An absolute move reaches its position; one out of range is refused and moves nothing."""
    found = await unit(onvif, check, "ONV-PTZ-08", POSITION)
    ranges = found.space(POSITION) if found is not None else None
    if found is None or ranges is None:
        return
    limit, pan, tilt = limits("ONV-PTZ-08"), ranges[0], ranges[1]
    near, before = found.reach(limit.tolerance.number), await found.status()
    now = before.position.pan if before is not None and before.position.pan is not None else pan.middle
    quarter = (pan.high - pan.low) / 20
    target = Vector(now + quarter if now < pan.middle else now - quarter, tilt.middle)
    check.step("s1")
    if judge_ok(check, "ONV-PTZ-08", await found.go(target)):
        within = limit.reach_within.seconds + limit.reach_within.uncertainty
        there = await found.until(lambda status: status.position.near(target, near) and not moving(status), within)
        held = there is not None and there.position.near(target, near)
        check.true("ONV-PTZ-08", held, str(target), there.position if there else "-", "AbsoluteMove")
    check.step("s2")
    beyond = Vector(pan.high + (pan.high - pan.low), tilt.middle)
    judge_fault(check, "ONV-PTZ-08", await found.go(beyond), INVALID_POSITION, f"AbsoluteMove {beyond}")
    await judge_rest(found, check, "ONV-PTZ-08", limits, say("拒绝之后", "after the refusal"))
