"""Faults of the video parameters."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import msgspec

from conformance.protocols.tykd_frame import Frame, ReceivedFrame
from conformance.protocols.tykd_message import Message
from simulators.camera.camera import Camera
from simulators.camera.commands import Commands
from simulators.camera.link import Link
from simulators.camera.media_format import StreamSettings
from simulators.camera.refusal import Refusal
from simulators.camera.rtsp_server import RtspServer
from simulators.camera.settings import StreamParameters
from simulators.faults.registry import mutant
from specs.messages import Command


class _QueryWithoutBitRate(Commands):
    async def respond(self, link: Link, command: Command, frame: ReceivedFrame) -> bytes | None:
        xml = await super().respond(link, command, frame)
        return re.sub(rb"<BitRate>[0-9]+</BitRate>", b"", xml) if xml else xml


@mutant(violates="IF-PAR-01")
class QueryLacksBitRate(Camera):
    """The query of the video parameters is answered without BitRate."""

    zh = "视频参数查询应答缺少 BitRate。"
    commands_class = _QueryWithoutBitRate


class _QueryOfMain(Commands):
    async def on_GET_CHANNEL(self, message: Message) -> dict[str, Any]:
        found = await super().on_GET_CHANNEL(message)
        main = self.camera.parameters(self.channel(message), 1)
        return {**found, "FrameRate": main.frame_rate, "BitRate": main.bit_rate}


@mutant(violates="IF-PAR-01a")
class SubQueryTellsMainRates(Camera):
    """The query of the sub stream tells the rates of the main stream."""

    zh = "查询子码流时返回主码流的帧率与码率。"
    commands_class = _QueryOfMain


class _SetsNothing(Commands):
    async def apply_parameters(self, channel: int, stream: int, wanted: StreamParameters) -> None:
        return None


@mutant(violates="IF-PAR-02")
class SettingAnsweredNotApplied(Camera):
    """Every legal setting is answered 0 and nothing is applied."""

    zh = "对合法设置一律回 0，但不生效。"
    commands_class = _SetsNothing


class _StaleStreams(Camera):
    """The stored parameters change, but one property of the stream stays as it was at start-up."""

    stale: tuple[str, ...] = ()

    def set_parameters(self, channel: int, stream: int, wanted: StreamParameters) -> None:
        encoder = self.bank.encoders[channel, stream]
        kept = {name: getattr(encoder.settings, name) for name in self.stale}
        super().set_parameters(channel, stream, wanted)
        encoder.change(replace(self.stream_settings(stream, wanted), **kept))


@mutant(violates="IF-PAR-02a")
class SizeStaysInStream(_StaleStreams):
    """A new FrameSize is stored, but the encoder keeps its size."""

    zh = "新的 FrameSize 仅被保存，编码器尺寸不变。"
    stale = ("width", "height")


@mutant(violates="IF-PAR-02b")
class FrameRateStaysInStream(_StaleStreams):
    """A new FrameRate is stored, but the encoder keeps its rate."""

    zh = "新的 FrameRate 仅被保存，编码器帧率不变。"
    stale = ("fps",)


@mutant(violates="IF-PAR-02c")
class BitRateStaysInStream(_StaleStreams):
    """A new BitRate is stored, but the encoder keeps its rate."""

    zh = "新的 BitRate 仅被保存，编码器码率不变。"
    stale = ("kbit_s",)


@mutant(violates="IF-PAR-02e")
class AudioSwitchIgnored(_StaleStreams):
    """AudioInput is stored, but sound goes on."""

    zh = "AudioInput 仅被保存，音频照常发送。"
    stale = ("audio",)


class _RateTypeOfTable(Commands):
    async def on_GET_CHANNEL(self, message: Message) -> dict[str, Any]:
        return {**await super().on_GET_CHANNEL(message), "RateType": 1}


@mutant(violates="IF-PAR-02d")
class RateTypeAlwaysConstant(Camera):
    """The query always tells constant rate, whatever was set."""

    zh = "无论如何设置，查询总返回定码率。"
    commands_class = _RateTypeOfTable


class _DefaultsForAbsent(Commands):
    async def on_SET_CHANNEL(self, message: Message) -> dict[str, Any]:
        channel, stream = self.stream(message)
        size = self.camera.parameters(channel, stream).frame_size
        self.camera.settings.streams[f"{channel}/{stream}"] = StreamParameters(size, 15, 1, 6, 0)
        return await super().on_SET_CHANNEL(message)


@mutant(violates="IF-PAR-02f")
class AbsentMeansDefault(Camera):
    """Elements that a setting leaves out fall back to their defaults."""

    zh = "设置中未出现的元素被恢复为缺省值。"
    commands_class = _DefaultsForAbsent


class _OtherSizes(Camera):
    """One size code stands for another picture size."""

    sizes: dict[int, tuple[int, int]] = {}

    def stream_settings(self, stream: int, parameters: StreamParameters) -> StreamSettings:
        settings = super().stream_settings(stream, parameters)
        width, height = self.sizes.get(parameters.frame_size, (settings.width, settings.height))
        return replace(settings, width=width, height=height)


@mutant(violates="IF-PAR-03")
class MainSizeNotCropped(_OtherSizes):
    """The main stream is 1280x736: cropping was forgotten."""

    zh = "主码流为 1280×736，遗漏裁剪。"
    sizes = {1: (1280, 736)}


@mutant(violates="IF-PAR-03a")
class SubSizeOfVga(_OtherSizes):
    """FrameSize 2 gives 640x480."""

    zh = "FrameSize 2 得到 640×480。"
    sizes = {2: (640, 480)}


@mutant(violates="IF-PAR-03b")
class SmallSizeOfCif(_OtherSizes):
    """FrameSize 3 gives 352x288."""

    zh = "FrameSize 3 得到 352×288。"
    sizes = {3: (352, 288)}


@mutant(violates="IF-PAR-04")
class BitRateTableShifted(Camera):
    """Each bit rate code means the rate of the next one."""

    zh = "码率编码表错位一项。"

    def stream_settings(self, stream: int, parameters: StreamParameters) -> StreamSettings:
        settings = super().stream_settings(stream, parameters)
        code = min(parameters.bit_rate + 1, max(self.table.bit_rates))
        return replace(settings, kbit_s=self.table.bit_rates[code])


class _AppliesWhileParsing(Commands):
    def check(self, link: Link, command: Command, message: Message) -> None:
        try:
            super().check(link, command, message)
        except Refusal:
            rate = message.get("FrameRate")
            if command.name == "SET_CHANNEL" and rate.isdigit():
                present = self.camera.parameters(0, 1)
                self.camera.set_parameters(0, 1, msgspec.structs.replace(present, frame_rate=int(rate)))
            raise


@mutant(violates="IF-PAR-05")
class PartOfRefusedSettingApplied(Camera):
    """The frame rate of a setting is applied although another element makes it refused."""

    zh = "设置因其他元素被拒绝时，帧率仍然生效。"
    commands_class = _AppliesWhileParsing


class _UnknownStreamIsMain(Commands):
    async def respond(self, link: Link, command: Command, frame: ReceivedFrame) -> bytes | None:
        xml = re.sub(rb"<StreamType>[03]<", b"<StreamType>1<", frame.frame.xml)
        inner = Frame(frame.frame.command, frame.frame.sequence, xml)
        return await super().respond(link, command, replace(frame, frame=inner))


@mutant(violates="IF-PAR-05a")
class UnknownStreamTakenForMain(Camera):
    """StreamType 0 and 3 are taken for the main stream."""

    zh = "StreamType 0 与 3 被当作主码流。"
    commands_class = _UnknownStreamIsMain


class _NeverSaves(Camera):
    """Parameters live in memory only."""

    def set_parameters(self, channel: int, stream: int, wanted: StreamParameters) -> None:
        self.settings.streams[f"{channel}/{stream}"] = wanted
        self.bank.encoders[channel, stream].change(self.stream_settings(stream, wanted))


@mutant(violates="IF-PAR-06")
class SettingsLostByReboot(_NeverSaves):
    """Parameters are never written to storage; a reboot brings the old ones back."""

    zh = "参数从不写入存储，重启后恢复旧值。"


@mutant(violates="IF-PAR-06a")
class SettingsSavedAtShutdown(_NeverSaves):
    """Parameters are written at an orderly shutdown only; a power cut loses them."""

    zh = "参数仅在正常关机时写入，掉电即丢失。"

    async def stop(self) -> None:
        self.save()
        await super().stop()


@mutant(violates="IF-PAR-07")
class MainSetsSubToo(Camera):
    """The frame rate of the main stream is put on the sub stream as well."""

    zh = "设置主码流帧率时子码流一并改变。"

    def set_parameters(self, channel: int, stream: int, wanted: StreamParameters) -> None:
        super().set_parameters(channel, stream, wanted)
        if stream == 1 and (channel, 2) in self.bank.encoders:
            sub = msgspec.structs.replace(self.parameters(channel, 2), frame_rate=wanted.frame_rate)
            super().set_parameters(channel, 2, sub)


@mutant(violates="IF-PAR-07a", declaration="nvr")
class AllChannelsSetTogether(Camera):
    """A setting of one channel is applied to all."""

    zh = "设置一个通道时所有通道一并改变。"

    def set_parameters(self, channel: int, stream: int, wanted: StreamParameters) -> None:
        for number in range(self.channels):
            super().set_parameters(number, stream, wanted)


class _LastChannelForAll(Commands):
    def channel(self, message: Message) -> int:
        return min(max(message.integer("ChannelNo", 0), 0), self.camera.channels - 1)


@mutant(violates="IF-PAR-08")
class ChannelNumberClamped(Camera):
    """A channel number out of range falls back to the nearest channel."""

    zh = "越界通道号回落到最近的通道。"
    commands_class = _LastChannelForAll


class _FirstChannelForAny(RtspServer):
    async def resolve_channel(self, text: str) -> int | None:
        found = await super().resolve_channel(text)
        return 0 if found is None else found


@mutant(violates="IF-PAR-08a")
class PlayFallsBackToFirstChannel(Camera):
    """A play URL with a channel that does not exist plays the first channel."""

    zh = "播放地址中的通道不存在时播放第一通道。"
    server_class = _FirstChannelForAny
