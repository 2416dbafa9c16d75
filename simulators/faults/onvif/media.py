"""Faults of the media service, ver10."""

from __future__ import annotations

import contextlib
import dataclasses

from conformance.protocols.xml_names import Node
from simulators.camera.camera import Camera
from simulators.camera.onvif.media import MediaService
from simulators.camera.onvif.media_model import EncoderView, Wanted
from simulators.camera.onvif.service import Call, OnvifFault, invalid
from simulators.faults.onvif.parts import face_with
from simulators.faults.registry import mutant


class _OneToken(MediaService):
    async def on_GetProfiles(self, call: Call) -> str:
        return (await super().on_GetProfiles(call)).replace('token="p02"', 'token="p01"')


@mutant(violates="ONV-MED-01", declaration="onvif")
class ProfilesShareToken(Camera):
    """Two media profiles have the same token."""

    zh = "两个配置集的令牌相同。"
    onvif_class = face_with(_OneToken)


class _LooseEncoder(MediaService):
    async def on_GetProfiles(self, call: Call) -> str:
        return (await super().on_GetProfiles(call)).replace('token="ve01"', 'token="ve77"')


@mutant(violates="ONV-MED-02", declaration="onvif")
class ProfileNamesMissingEncoder(Camera):
    """A media profile names an encoder configuration that is in no list."""

    zh = "配置集引用了不存在的编码配置。"
    onvif_class = face_with(_LooseEncoder)


class _AnyProfile(MediaService):
    async def on_GetSnapshotUri(self, call: Call) -> str:
        try:
            return await super().on_GetSnapshotUri(call)
        except OnvifFault:
            return self.media_uri(f"http://{call.authority}/onvif/snapshot/0/1")


@mutant(violates="ONV-MED-03", declaration="onvif")
class UnknownProfileTaken(Camera):
    """GetSnapshotUri takes the first profile where the token is unknown."""

    zh = "配置集令牌未知时 GetSnapshotUri 使用第一个配置集。"
    onvif_class = face_with(_AnyProfile)


class _StaleOptions(MediaService):
    def h264_options(self, view: EncoderView) -> str:
        return super().h264_options(view).replace("<tt:Width>1280</tt:Width>", "<tt:Width>1282</tt:Width>")


@mutant(violates="ONV-MED-04", declaration="onvif")
class OptionsWithoutPresentSize(Camera):
    """The options of an encoder do not hold the resolution that it has."""

    zh = "编码选项不含当前的分辨率。"
    onvif_class = face_with(_StaleOptions)


class _RefusesFar(MediaService):
    def wanted(self, node: Node) -> Wanted:
        found = super().wanted(node)
        if found.gov is not None and found.gov > 100:
            raise invalid("ConfigModify", "The key pictures lie too far apart")
        return found


@mutant(violates="ONV-MED-05", declaration="onvif")
class OfferedGovLengthRefused(Camera):
    """A GOV length above 100 is offered and refused."""

    zh = "选项给出的大于 100 的 GOP 长度被拒绝。"
    onvif_class = face_with(_RefusesFar)


class _Smaller(MediaService):
    def apply(self, view: EncoderView, wanted: Wanted) -> None:
        super().apply(view, wanted)
        encoder = self.camera.bank.encoders[view.channel, view.stream]
        encoder.change(dataclasses.replace(view.settings, width=640, height=368))


@mutant(violates="ONV-MED-06", declaration="onvif")
class StreamSmallerThanSet(Camera):
    """After a setting the stream is smaller than the resolution that was set and is read back."""

    zh = "设置之后码流的分辨率小于所设且读回的分辨率。"
    onvif_class = face_with(_Smaller)


class _NearestSize(MediaService):
    async def on_SetVideoEncoderConfiguration(self, call: Call) -> str:
        try:
            return await super().on_SetVideoEncoderConfiguration(call)
        except OnvifFault as refused:
            if "ter:ConfigModify" not in refused.codes:
                raise
            return ""


@mutant(violates="ONV-MED-07", declaration="onvif")
class InvalidResolutionAnsweredWell(Camera):
    """A resolution that is not offered is answered with success and ignored."""

    zh = "选项之外的分辨率应答成功并被忽略。"
    onvif_class = face_with(_NearestSize)


class _AnyConfiguration(MediaService):
    def known(self, token: str) -> EncoderView:
        found = self.shown()
        return found.get(token) or next(iter(found.values()))


@mutant(violates="ONV-MED-08", declaration="onvif")
class UnknownConfigurationTaken(Camera):
    """An unknown configuration token stands for the first encoder."""

    zh = "未知配置令牌被当作第一个编码器。"
    onvif_class = face_with(_AnyConfiguration)


class _LetsFixedGo(MediaService):
    async def on_DeleteProfile(self, call: Call) -> str:
        with contextlib.suppress(OnvifFault):
            self.model.delete(call.text("ProfileToken"))
        return ""


@mutant(violates="ONV-MED-10", declaration="onvif")
class FixedProfilesAreSaidToGo(Camera):
    """DeleteProfile of a fixed profile is answered with success, though the profile stays."""

    zh = "对固定配置集的 DeleteProfile 应答成功（配置集仍在）。"
    onvif_class = face_with(_LetsFixedGo)


class _Keeps(MediaService):
    async def on_DeleteProfile(self, call: Call) -> str:
        self.model.profile(call.text("ProfileToken"))
        return ""


@mutant(violates="ONV-MED-09", declaration="onvif")
class DeletedProfileStays(Camera):
    """DeleteProfile is answered with success and the profile stays."""

    zh = "DeleteProfile 应答成功但配置集仍在。"
    onvif_class = face_with(_Keeps)
