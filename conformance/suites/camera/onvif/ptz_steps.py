"""A PTZ unit through one profile: status, moves, and back to where it was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from conformance.model.checks import Checks, say
from conformance.peers.onvif.answer import Answer
from conformance.peers.onvif.onvif import Onvif
from conformance.protocols.onvif_media import Profile, Version
from conformance.protocols.onvif_ptz import (
    MOVING,
    Preset,
    PtzNode,
    PtzStatus,
    Vector,
    profile_token,
    read_nodes,
    read_presets,
    read_status,
    read_timeouts,
    vector,
)
from conformance.protocols.onvif_xml import Span
from conformance.protocols.safe_xml import text_content
from conformance.protocols.soap import element
from conformance.suites.camera.onvif.media_steps import Face
from conformance.suites.camera.onvif.service_steps import offered

PTZ = "PTZConfiguration"
VELOCITY, POSITION = "ContinuousPanTiltVelocitySpace", "AbsolutePanTiltPositionSpace"
#: How often a status is asked for while it is waited for, in seconds.
STEP = 0.05


@dataclass(frozen=True, slots=True)
class Unit:
    """A profile with PTZ and the node behind it."""

    onvif: Onvif
    profile: str
    node: PtzNode
    configuration: str

    async def call(self, operation: str, rest: str = "") -> Answer:
        """An operation on the profile."""
        return await self.onvif.call("ptz", operation, profile_token(self.profile) + rest)

    async def status(self) -> PtzStatus | None:
        """The status; None where it is not told."""
        answer = await self.call("GetStatus")
        return read_status(answer.body) if answer.ok and answer.body is not None else None

    async def move(self, velocity: Vector, timeout: str = "") -> Answer:
        """ContinuousMove. ``timeout``: an xs:duration, empty for none."""
        rest = vector("tptz:Velocity", velocity) + (f"<tptz:Timeout>{timeout}</tptz:Timeout>" if timeout else "")
        return await self.call("ContinuousMove", rest)

    async def timeout_near(self, seconds: float) -> float:
        """The timeout that the configuration allows and that is closest; the same where it tells no range."""
        token = element("tptz:ConfigurationToken", text_content(self.configuration))
        answer = await self.onvif.call("ptz", "GetConfigurationOptions", token)
        allowed = read_timeouts(answer.body) if answer.ok and answer.body is not None else None
        return allowed.nearest(seconds) if allowed is not None else seconds

    async def stop(self) -> Answer:
        """Stop pan, tilt and zoom."""
        return await self.call("Stop", "<tptz:PanTilt>true</tptz:PanTilt><tptz:Zoom>true</tptz:Zoom>")

    async def go(self, position: Vector) -> Answer:
        """AbsoluteMove."""
        return await self.call("AbsoluteMove", vector("tptz:Position", position))

    async def back(self, position: Vector) -> None:
        """Go to a position and wait until the unit rests there, as long as an answer is waited for."""
        if (await self.go(position)).ok:
            near = self.reach(1.0)
            within = self.onvif.limits["answer_wait"].seconds
            await self.until(lambda status: at_rest(status) and status.position.near(position, near), within)

    async def presets(self) -> list[Preset]:
        """The presets."""
        answer = await self.call("GetPresets")
        return read_presets(answer.body) if answer.ok and answer.body is not None else []

    def space(self, name: str) -> tuple[Span, Span] | None:
        """The ranges of pan and tilt in a space; None where the node has it not."""
        ranges = self.node.spaces.get(name, ())
        return (ranges[0], ranges[1]) if len(ranges) == 2 else None

    def reach(self, percent: float) -> float:
        """A part of the wider range of the position space, as a tolerance; the generic space is 2 wide."""
        ranges = self.space(POSITION)
        return percent / 100 * (max(span.high - span.low for span in ranges) if ranges else 2.0)

    async def until(self, good: Callable[[PtzStatus], bool], within: float) -> PtzStatus | None:
        """The first status that is good, or the last within ``within`` seconds."""
        wire = self.onvif.wire
        ends = wire.now() + within
        while True:
            found = await self.status()
            if found is None or good(found) or wire.now() >= ends:
                return found
            await wire.sleep(STEP)


async def profiles_with_ptz(onvif: Onvif, check: Checks) -> list[Profile]:
    """The profiles that hold a PTZ configuration."""
    version: Version = "media" if onvif.has("media") else "media2"
    return [profile for profile in await Face(onvif, check, version).profiles() if profile.part(PTZ)]


async def nodes(onvif: Onvif) -> list[PtzNode]:
    """The PTZ nodes."""
    answer = await onvif.call("ptz", "GetNodes")
    return read_nodes(answer.body) if answer.ok and answer.body is not None else []


async def unit(onvif: Onvif, check: Checks, requirement: str, space: str = "") -> Unit | None:
    """The unit of the first profile with PTZ, at rest and to be stopped after the test; None where the device has none,
    or its node has not this space: then the requirement is not applicable."""
    if not offered(onvif, check, "ptz", requirement):
        return None
    known = {node.token: node for node in await nodes(onvif)}
    for profile in await profiles_with_ptz(onvif, check):
        node = known.get(profile.configurations[PTZ].value("NodeToken") or "")
        if node is None:
            continue
        found = Unit(onvif, profile.token, node, profile.part(PTZ))
        if space and found.space(space) is None:
            continue
        await at_rest_again(found)
        return found
    name = space or "PTZ"
    check.not_applicable(requirement, say(f"没有含 {name} 的配置集", f"no profile has {name}"))
    return None


async def at_rest_again(found: Unit) -> None:
    """Have the unit stopped and brought back to where it is now after the test."""
    before = await found.status()
    if before is not None and found.space(POSITION) is not None:
        found.onvif.undo(lambda: found.back(before.position))
    found.onvif.undo(found.stop)


def moving(status: PtzStatus) -> bool:
    """Whether it says that it moves."""
    return MOVING in status.states


def at_rest(status: PtzStatus) -> bool:
    """Whether it says that nothing moves, or says nothing."""
    return MOVING not in status.states


def velocity_of(found: Unit, share: float) -> Vector:
    """A velocity away from the nearer end of pan, as a share of the highest."""
    ranges = found.space(VELOCITY)
    return Vector(ranges[0].high * share, 0.0) if ranges else Vector(share, 0.0)
