"""Faults of the imaging service."""

from __future__ import annotations

from conformance.protocols.xml_names import Node
from simulators.camera.camera import Camera
from simulators.camera.onvif.imaging import LEVELS, RANGE, ImagingService
from simulators.camera.onvif.service import Call, invalid, number
from simulators.faults.onvif.parts import face_with
from simulators.faults.registry import mutant


class _NarrowOptions(ImagingService):
    async def on_GetOptions(self, call: Call) -> str:
        return (await super().on_GetOptions(call)).replace("<tt:Max>100</tt:Max>", "<tt:Max>49</tt:Max>")


@mutant(violates="ONV-IMG-01", declaration="onvif")
class SettingsOutsideOptions(Camera):
    """The imaging settings in force lie outside the options."""

    zh = "当前图像设置在选项范围之外。"
    onvif_class = face_with(_NarrowOptions)


class _NoFilter(ImagingService):
    def apply(self, levels: dict[str, float], mode: str | None) -> None:
        super().apply({field: value for field, value in levels.items() if field != "contrast"}, mode)


@mutant(violates="ONV-IMG-02", declaration="onvif")
class ContrastNotKept(Camera):
    """The contrast is set with success and not kept."""

    zh = "对比度应答成功却未保存。"
    onvif_class = face_with(_NoFilter)


class _OpenRange(ImagingService):
    def level(self, node: Node, name: str) -> float:
        value = super().level(node, name)
        if value == RANGE[1]:
            raise invalid("SettingsInvalid", f"{name} cannot be {value:g}")
        return value


@mutant(violates="ONV-IMG-03", declaration="onvif")
class MaximumRefused(Camera):
    """The maximum of a range is refused."""

    zh = "范围的最大值被拒绝。"
    onvif_class = face_with(_OpenRange)


class _Clamps(ImagingService):
    def level(self, node: Node, name: str) -> float:
        return max(RANGE[0], min(RANGE[1], number(node.value(name) or "")))


@mutant(violates="ONV-IMG-04", declaration="onvif")
class OutOfRangeCut(Camera):
    """A value out of range is cut to the range and answered with success."""

    zh = "超出范围的值被截断并应答成功。"
    onvif_class = face_with(_Clamps)


class _AnySource(ImagingService):
    def check_source(self, call: Call) -> None:
        return None


@mutant(violates="ONV-IMG-05", declaration="onvif")
class AnySourceTaken(Camera):
    """Any token stands for the only video source."""

    zh = "任何令牌均被当作唯一的视频源。"
    onvif_class = face_with(_AnySource)


class _Defaults(ImagingService):
    def apply(self, levels: dict[str, float], mode: str | None) -> None:
        super().apply({field: levels.get(field, 50.0) for field in LEVELS.values()}, mode)


@mutant(violates="ONV-IMG-06", declaration="onvif")
class UnnamedBecomeDefaults(Camera):
    """Settings that are not named go back to their defaults."""

    zh = "未给出的设置恢复为缺省值。"
    onvif_class = face_with(_Defaults)


class _OneByOne(ImagingService):
    async def on_SetImagingSettings(self, call: Call) -> str:
        node = call.node.find("ImagingSettings")
        for name, field in LEVELS.items() if node is not None else ():
            if node is not None and node.find(name) is not None:
                self.apply({field: self.level(node, name)}, None)
        return await super().on_SetImagingSettings(call)


@mutant(violates="ONV-IMG-04", declaration="onvif")
class RefusedImagingHalfApplied(Camera):
    """A setting with one value out of range is refused after the values before it took effect."""

    zh = "含超范围值的设置被拒绝，但其前的值已生效。"
    onvif_class = face_with(_OneByOne)
