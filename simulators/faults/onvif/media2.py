"""Faults of the media service 2, ver20."""

from __future__ import annotations

import dataclasses
import re

from simulators.camera.camera import Camera
from simulators.camera.media_format import StreamSettings
from simulators.camera.onvif.media2 import Media2Service
from simulators.camera.onvif.media_model import EncoderView, ProfileView, Wanted
from simulators.camera.onvif.service import Call, OnvifFault, invalid
from simulators.faults.onvif.parts import face_with
from simulators.faults.registry import mutant


class _LongToken(Media2Service):
    async def on_GetProfiles(self, call: Call) -> str:
        return (await super().on_GetProfiles(call)).replace('token="p02"', f'token="p02{"x" * 70}"')


@mutant(violates="ONV-MD2-01", declaration="onvif")
class ProfileTokenTooLong(Camera):
    """A profile of ver20 has a token of more than 64 characters."""

    zh = "ver20 配置集的令牌超过 64 个字符。"
    onvif_class = face_with(_LongToken)


class _ShortList(Media2Service):
    async def on_GetVideoEncoderConfigurations(self, call: Call) -> str:
        told = await super().on_GetVideoEncoderConfigurations(call)
        return re.sub(r'<tr2:Configurations token="ve02".*?</tr2:Configurations>', "", told)


@mutant(violates="ONV-MD2-02", declaration="onvif")
class EncoderMissingInList(Camera):
    """The list of encoder configurations of ver20 lacks one that a profile names."""

    zh = "ver20 的编码配置列表缺少配置集所引用的一项。"
    onvif_class = face_with(_ShortList)


class _NoFault(Media2Service):
    async def on_GetProfiles(self, call: Call) -> str:
        try:
            return await super().on_GetProfiles(call)
        except OnvifFault:
            return ""


@mutant(violates="ONV-MD2-03", declaration="onvif")
class UnknownProfileGivesEmptyList(Camera):
    """GetProfiles of ver20 answers an unknown token with an empty list."""

    zh = "ver20 的 GetProfiles 对未知令牌返回空列表。"
    onvif_class = face_with(_NoFault)


class _OtherCodec(Media2Service):
    def options_xml(self, view: EncoderView) -> str:
        return super().options_xml(view).replace("<tt:Encoding>H264", "<tt:Encoding>JPEG")


@mutant(violates="ONV-MD2-04", declaration="onvif")
class OptionsOfAnotherCodec(Camera):
    """The options of an H.264 encoder are those of JPEG."""

    zh = "H.264 编码器的选项只给出 JPEG。"
    onvif_class = face_with(_OtherCodec)


class _KeepsSize(Media2Service):
    def apply(self, view: EncoderView, wanted: Wanted) -> None:
        now = view.settings
        super().apply(view, dataclasses.replace(wanted, size=(now.width, now.height)))


@mutant(violates="ONV-MD2-05", declaration="onvif")
class ResolutionNotKept(Camera):
    """Another resolution is taken with success and not kept."""

    zh = "新的分辨率应答成功却未保存。"
    onvif_class = face_with(_KeepsSize)


class _Unapplied:
    """An encoder that does not hear of settings."""

    def change(self, settings: StreamSettings) -> None:
        """Nothing."""


class _StoresOnly(Media2Service):
    def apply(self, view: EncoderView, wanted: Wanted) -> None:
        encoders = self.camera.bank.encoders
        key = (view.channel, view.stream)
        real = encoders[key]
        encoders[key] = _Unapplied()  # type: ignore[assignment]
        try:
            super().apply(view, wanted)
        finally:
            encoders[key] = real


@mutant(violates="ONV-MD2-06", declaration="onvif")
class SettingsNeverReachStream(Camera):
    """Encoder settings are kept and read back, and the stream stays as it was."""

    zh = "编码设置可读回但码流不变。"
    onvif_class = face_with(_StoresOnly)


class _WrongFault(Media2Service):
    async def on_SetVideoEncoderConfiguration(self, call: Call) -> str:
        try:
            return await super().on_SetVideoEncoderConfiguration(call)
        except OnvifFault as refused:
            raise OnvifFault(*refused.codes[:2], reason="Invalid") from None


@mutant(violates="ONV-MD2-07", declaration="onvif")
class ConfigModifyNotNamed(Camera):
    """Invalid encoder settings are refused without the subcode ter:ConfigModify."""

    zh = "无效编码设置的差错缺少子码 ter:ConfigModify。"
    onvif_class = face_with(_WrongFault)


class _AllEncoders(Media2Service):
    async def on_GetVideoEncoderConfigurations(self, call: Call) -> str:
        try:
            return await super().on_GetVideoEncoderConfigurations(call)
        except OnvifFault:
            return ""


@mutant(violates="ONV-MD2-08", declaration="onvif")
class UnknownEncoderGivesEmptyList(Camera):
    """An unknown configuration token of ver20 is answered with an empty list."""

    zh = "ver20 对未知配置令牌返回空列表。"
    onvif_class = face_with(_AllEncoders)


class _Everything(Media2Service):
    def profile_xml(self, name: str, profile: ProfileView, types: tuple[str, ...] = ()) -> str:
        return super().profile_xml(name, profile, ("All",))


@mutant(violates="ONV-MD2-09", declaration="onvif")
class TypesIgnored(Camera):
    """GetProfiles of ver20 tells every configuration whatever the types."""

    zh = "ver20 的 GetProfiles 忽略类型，始终返回全部配置。"
    onvif_class = face_with(_Everything)


class _OtherSize(Media2Service):
    def encoder_inside(self, view: EncoderView) -> str:
        return super().encoder_inside(view).replace("<tt:Height>", "<tt:Height>1")


@mutant(violates="ONV-MD2-10", declaration="onvif")
class ServicesDisagree(Camera):
    """The two media services tell different resolutions of the same profile."""

    zh = "两版媒体服务对同一配置集给出不同的分辨率。"
    onvif_class = face_with(_OtherSize)


class _StrictBitRate(Media2Service):
    def apply(self, view: EncoderView, wanted: Wanted) -> None:
        if wanted.bit_rate is not None and wanted.bit_rate > max(view.bit_rates()):
            raise invalid("ConfigModify", "The bit rate is out of range")
        super().apply(view, wanted)


@mutant(violates="ONV-MD2-11", declaration="onvif")
class BitRateOutOfRangeRefused(Camera):
    """A bit rate above the range is refused instead of adapted."""

    zh = "超出范围的码率被拒绝而不是调整。"
    onvif_class = face_with(_StrictBitRate)


class _HidesFixed(Media2Service):
    async def on_DeleteProfile(self, call: Call) -> str:
        if self.model.profile(token := call.text("Token")).fixed:
            raise invalid("NoProfile", f"There is no profile {token}")
        return await super().on_DeleteProfile(call)


@mutant(violates="ONV-MD2-13", declaration="onvif")
class FixedProfilesAreUnknown(Camera):
    """DeleteProfile of a fixed profile is refused as if there were none of that token."""

    zh = "对固定配置集的 DeleteProfile 以“无此配置集”拒绝。"
    onvif_class = face_with(_HidesFixed)


class _AddsNothing(Media2Service):
    async def on_AddConfiguration(self, call: Call) -> str:
        self.model.profile(call.text("ProfileToken"))
        self.parts(call.node)
        return ""


@mutant(violates="ONV-MD2-12", declaration="onvif")
class AddedConfigurationLost(Camera):
    """AddConfiguration is answered with success and adds nothing."""

    zh = "AddConfiguration 应答成功但未加入配置。"
    onvif_class = face_with(_AddsNothing)


class _AppliesFirst(Media2Service):
    async def on_SetVideoEncoderConfiguration(self, call: Call) -> str:
        node = call.node.find("Configuration")
        if node is not None and (view := self.shown().get(node.attribute("token") or "")) is not None:
            now = view.settings
            fine = dataclasses.replace(self.wanted(node), size=(now.width, now.height), encoding=view.encoding)
            self.apply(view, dataclasses.replace(fine, quality=fine.quality / 2))
        return await super().on_SetVideoEncoderConfiguration(call)


@mutant(violates="ONV-MD2-07", declaration="onvif")
class RefusedSettingsHalfApplied(Camera):
    """Invalid encoder settings are refused after a part of them took effect."""

    zh = "无效的编码设置被拒绝，但部分已生效。"
    onvif_class = face_with(_AppliesFirst)
