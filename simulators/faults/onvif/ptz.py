"""Faults of the PTZ service."""

from __future__ import annotations

from conformance.protocols.xml_names import Node
from simulators.camera.camera import Camera
from simulators.camera.onvif.ptz import PtzService
from simulators.camera.onvif.ptz_model import POSITION
from simulators.camera.onvif.service import Call, OnvifFault, number
from simulators.faults.onvif.parts import face_with
from simulators.faults.registry import mutant

FOREVER = 60.0


class _LooseNode(PtzService):
    async def on_GetNodes(self, call: Call) -> str:
        return (await super().on_GetNodes(call)).replace('token="', 'token="x')


@mutant(violates="ONV-PTZ-01", declaration="onvif")
class ConfigurationWithoutNode(Camera):
    """The PTZ configuration names a node that is not listed."""

    zh = "云台配置引用了未列出的节点。"
    onvif_class = face_with(_LooseNode)


class _NoStop(PtzService):
    async def on_Stop(self, call: Call) -> str:
        self.check_profile(call)
        return ""


@mutant(violates="ONV-PTZ-02", declaration="onvif")
class StopIgnored(Camera):
    """Stop is answered with success and the head goes on."""

    zh = "Stop 应答成功但云台继续移动。"
    onvif_class = face_with(_NoStop)


class _NoTimeout(PtzService):
    async def on_ContinuousMove(self, call: Call) -> str:
        told = await super().on_ContinuousMove(call)
        node = call.node.at("Velocity/PanTilt")
        if node is not None:
            x, y = (number(node.attribute(axis) or "0") / 100 for axis in ("x", "y"))
            self.camera.ptz.run(x, y, FOREVER)
        return told


@mutant(violates="ONV-PTZ-03", declaration="onvif")
class MoveTimeoutIgnored(Camera):
    """A continuous move goes on after its timeout."""

    zh = "连续移动在超时后继续。"
    onvif_class = face_with(_NoTimeout)


class _Clamps(PtzService):
    conditions: tuple[str, ...] = ()

    def in_range(self, node: Node, condition: str) -> tuple[float, float]:
        if condition not in self.conditions:
            return super().in_range(node, condition)
        x, y = (max(-1.0, min(1.0, number(node.attribute(axis) or ""))) for axis in ("x", "y"))
        return x, y


class _ClampsVelocity(_Clamps):
    conditions = ("InvalidVelocity",)


@mutant(violates="ONV-PTZ-04", declaration="onvif")
class VelocityCut(Camera):
    """A velocity out of range is cut to the range, and the head moves."""

    zh = "超出范围的速度被截断并移动。"
    onvif_class = face_with(_ClampsVelocity)


class _PresetStays(PtzService):
    async def on_RemovePreset(self, call: Call) -> str:
        self.check_profile(call)
        self.preset(call.text("PresetToken"))
        return ""


@mutant(violates="ONV-PTZ-05", declaration="onvif")
class PresetNotRemoved(Camera):
    """A preset is still in the list after it was removed."""

    zh = "删除预置位后列表中仍有它。"
    onvif_class = face_with(_PresetStays)


class _AnyPreset(PtzService):
    async def on_GotoPreset(self, call: Call) -> str:
        try:
            return await super().on_GotoPreset(call)
        except OnvifFault as refused:
            if "ter:NoToken" not in refused.codes:
                raise
            return ""


@mutant(violates="ONV-PTZ-06", declaration="onvif")
class UnknownPresetAnsweredWell(Camera):
    """GotoPreset with an unknown token is answered with success."""

    zh = "GotoPreset 对未知令牌应答成功。"
    onvif_class = face_with(_AnyPreset)


class _AnyProfile(PtzService):
    def check_profile(self, call: Call) -> None:
        return None


@mutant(violates="ONV-PTZ-07", declaration="onvif")
class AnyProfileMoves(Camera):
    """The head moves for a profile that does not exist."""

    zh = "不存在的配置集也能控制云台。"
    onvif_class = face_with(_AnyProfile)


class _ClampsPosition(_Clamps):
    conditions = ("InvalidPosition",)


@mutant(violates="ONV-PTZ-08", declaration="onvif")
class PositionCut(Camera):
    """A position out of range is cut to the range, and the head goes there."""

    zh = "超出范围的位置被截断并移动。"
    onvif_class = face_with(_ClampsPosition)


class _StaysThere(PtzService):
    async def on_GotoPreset(self, call: Call) -> str:
        self.check_profile(call)
        self.preset(call.text("PresetToken"))
        return ""


@mutant(violates="ONV-PTZ-05", declaration="onvif")
class PresetNotReached(Camera):
    """GotoPreset is answered with success and nothing moves."""

    zh = "GotoPreset 应答成功但云台不动。"
    onvif_class = face_with(_StaysThere)


class _NoAbsolute(PtzService):
    async def on_AbsoluteMove(self, call: Call) -> str:
        self.check_profile(call)
        self.vector(call, "Position", POSITION, "InvalidPosition")
        return ""


@mutant(violates="ONV-PTZ-08", declaration="onvif")
class PositionNotReached(Camera):
    """AbsoluteMove is answered with success and nothing moves."""

    zh = "AbsoluteMove 应答成功但云台不动。"
    onvif_class = face_with(_NoAbsolute)
