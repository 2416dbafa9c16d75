"""Faults of frames, digests, sequences and XML."""

from __future__ import annotations

import asyncio
import os
import re
from typing import Any

from conformance.protocols.tykd_frame import Frame, FrameParser, ReceivedFrame, encode_frame
from conformance.protocols.tykd_message import Message, encode_refusal
from simulators.camera.camera import Camera
from simulators.camera.commands import Commands
from simulators.camera.link import Counter, Link
from simulators.camera.refusal import REFUSED, Refusal
from simulators.faults.parts import client_with
from simulators.faults.registry import mutant
from specs.messages import Command


class _LinkOfReservedOne(Link):
    def send(self, frame: Frame) -> None:
        super().send(Frame(frame.command, frame.sequence, frame.xml, reserved=1))


@mutant(violates="IF-FRM-01")
class ReservedByteNotZero(Camera):
    """The reserved byte of every frame is sent as 1."""

    zh = "每一帧的保留字节都发送为 1。"
    client_class = client_with(_LinkOfReservedOne)


class _LinkWithoutDeclaration(Link):
    def send(self, frame: Frame) -> None:
        super().send(Frame(frame.command, frame.sequence, frame.xml.partition(b"?>")[2]))


@mutant(violates="IF-FRM-01a")
class NoXmlDeclaration(Camera):
    """Bodies are sent without an XML declaration."""

    zh = "报文体缺少 XML 声明。"
    client_class = client_with(_LinkWithoutDeclaration)


class _CommandsIgnoringRoots(Commands):
    async def respond(self, link: Link, command: Command, frame: ReceivedFrame) -> bytes | None:
        root = command.request.root.encode()
        xml = re.sub(rb"<(/?)[A-Z_]+_REQ>", rb"<\1" + root + b">", frame.frame.xml)
        inner = Frame(frame.frame.command, frame.frame.sequence, xml)
        return await super().respond(link, command, ReceivedFrame(inner, True, frame.raw, frame.offset))


@mutant(violates="IF-FRM-01b")
class RootNotLookedAt(Camera):
    """The command code alone decides; the root of the XML is never looked at."""

    zh = "只看命令码，从不检查 XML 根元素。"
    commands_class = _CommandsIgnoringRoots


class _CommandsCuttingAtBlanks(Commands):
    async def respond(self, link: Link, command: Command, frame: ReceivedFrame) -> bytes | None:
        xml = re.sub(rb">([^<> ]+) [^<>]*<", rb">\1<", frame.frame.xml.replace(b"?> ", b"?>"))
        inner = Frame(frame.frame.command, frame.frame.sequence, xml)
        return await super().respond(link, command, ReceivedFrame(inner, True, frame.raw, frame.offset))


@mutant(violates="IF-FRM-01c")
class TextCutAtBlank(Camera):
    """The text of an element ends at its first blank."""

    zh = "元素文本在第一个空格处被截断。"
    commands_class = _CommandsCuttingAtBlanks


class _LinkTrustingDigests(Link):
    def digest_accepted(self, frame: ReceivedFrame) -> bool:
        return True


@mutant(violates="IF-FRM-02")
class DigestNeverCompared(Camera):
    """The MD5 of received frames is never compared."""

    zh = "从不校验收到帧的 MD5。"
    client_class = client_with(_LinkTrustingDigests)


class _CommandsWithOwnSequence(Commands):
    def answer_sequence(self, request: Frame) -> int:
        return (request.sequence + 1) % 0x10000


@mutant(violates="IF-FRM-03")
class SequenceNotEchoed(Camera):
    """Answers carry another sequence number than their request."""

    zh = "应答的序号与请求不同。"
    commands_class = _CommandsWithOwnSequence


class _LinkMatchingByCommand(Link):
    def answer_key(self, frame: Frame) -> tuple[int, int]:
        return frame.command, 0


@mutant(violates="IF-FRM-03a")
class AnswerMatchedByCommandAlone(Camera):
    """Any frame with the right command code counts as the answer, whatever its sequence."""

    zh = "只按命令码匹配应答，不看序号。"
    client_class = client_with(_LinkMatchingByCommand)


class _SharedCounter(Counter):
    def seen(self, sequence: int) -> None:
        self.value = sequence


@mutant(violates="IF-FRM-03b")
class SharedSequenceCounter(Camera):
    """The sequence counter is overwritten by the number of every frame received."""

    zh = "收到任何帧都会覆盖本机序号计数器。"
    client_class = client_with(counter=_SharedCounter)


class _OneFrameAReceive(FrameParser):
    """Believes that one receive is one frame."""

    def feed(self, data: bytes | bytearray | memoryview) -> list[ReceivedFrame]:
        fresh = FrameParser(4072)
        return fresh.feed(data)[:1]


class _LinkOfWholeReceives(Link):
    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._parser = _OneFrameAReceive(4072)


@mutant(violates="IF-FRM-04")
class SplitSegmentsBreakTheParser(Camera):
    """A frame must arrive in one receive; the rest of a split frame is taken for garbage."""

    zh = "认为一次接收就是一帧，分段到达的帧被丢弃。"
    client_class = client_with(_LinkOfWholeReceives)


class _FirstFrameOnly(FrameParser):
    def feed(self, data: bytes | bytearray | memoryview) -> list[ReceivedFrame]:
        return super().feed(data)[:1]


class _LinkOfFirstFrames(Link):
    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._parser = _FirstFrameOnly(4072)


@mutant(violates="IF-FRM-04a")
class JoinedFramesAreLost(Camera):
    """Of several frames in one segment only the first is handled."""

    zh = "同一分段内的多帧只处理第一帧。"
    client_class = client_with(_LinkOfFirstFrames)


async def _crash() -> None:
    await asyncio.sleep(0)
    os._exit(139)


def _crashing_on(pattern: bytes, longest: int = 0) -> type[Commands]:
    class Crashing(Commands):
        async def respond(self, link: Link, command: Command, frame: ReceivedFrame) -> bytes | None:
            xml = frame.frame.xml
            if (pattern and re.search(pattern, xml)) or (longest and len(xml) >= longest) or (not xml and not pattern):
                await _crash()
            return await super().respond(link, command, frame)

    return Crashing


class _EmptyCrashes(Commands):
    async def respond(self, link: Link, command: Command, frame: ReceivedFrame) -> bytes | None:
        if not frame.frame.xml:
            await _crash()
        return await super().respond(link, command, frame)


@mutant(violates="IF-FRM-05")
class EmptyFrameEndsTheProcess(Camera):
    """A frame of length 0 ends the process."""

    zh = "长度为 0 的帧导致进程退出。"
    commands_class = _EmptyCrashes


class _LinkWithFixedBuffer(Link):
    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._parser = FrameParser(65535)
        self.longest = 4072

    async def _take(self, frame: ReceivedFrame) -> bool:
        if len(frame.frame.xml) > self.longest:
            await _crash()
        return await super()._take(frame)


@mutant(violates="IF-FRM-05b")
class LongFrameEndsTheProcess(Camera):
    """A frame longer than the receive buffer ends the process."""

    zh = "超过接收缓冲的帧导致进程退出。"
    client_class = client_with(_LinkWithFixedBuffer)


class _LinkBreakingAt65535(_LinkWithFixedBuffer):
    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.longest = 65000


@mutant(violates="IF-FRM-05a")
class LargestLengthEndsTheProcess(Camera):
    """A frame of 65535 bytes overruns a buffer and ends the process."""

    zh = "长度 65535 的帧造成缓冲越界，进程退出。"
    client_class = client_with(_LinkBreakingAt65535)


class _LinkOfSmallBuffer(Link):
    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._parser = FrameParser(2048)


@mutant(violates="IF-FRM-05c")
class SmallReceiveBuffer(Camera):
    """Bodies of more than 2048 bytes end the connection."""

    zh = "报文体超过 2048 字节即断开连接。"
    client_class = client_with(_LinkOfSmallBuffer)


class _LenientParser(FrameParser):
    """Takes any start pair."""

    def feed(self, data: bytes | bytearray | memoryview) -> list[ReceivedFrame]:
        raw = bytes(data)
        if raw[:2] == b"\xf5\xfa":
            raw = encode_frame(Frame(raw[2], int.from_bytes(raw[3:5], "big"), raw[8:-16]))
        return super().feed(raw)


class _LinkOfAnyStart(Link):
    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._parser = _LenientParser(4072)


@mutant(violates="IF-FRM-05d")
class StartBytesNotChecked(Camera):
    """Frames with a wrong start pair are carried out all the same."""

    zh = "起始字节错误的帧照样执行。"
    client_class = client_with(_LinkOfAnyStart)


@mutant(violates="IF-FRM-06")
class MalformedXmlEndsTheProcess(Camera):
    """XML that is not closed ends the process."""

    zh = "未闭合的 XML 导致进程退出。"
    commands_class = _crashing_on(rb"<FrameRate>[0-9]+<(?!/FrameRate)")


@mutant(violates="IF-FRM-06a")
class EntityBombEndsTheProcess(Camera):
    """Entities are expanded until memory is used up."""

    zh = "展开实体直至内存耗尽。"
    commands_class = _crashing_on(rb"<!ENTITY [a-z] ")


class _CommandsFetchingEntities(Commands):
    async def respond(self, link: Link, command: Command, frame: ReceivedFrame) -> bytes | None:
        found = re.search(rb'SYSTEM "http://([0-9.]+):([0-9]+)/', frame.frame.xml)
        if found:
            _, writer = await asyncio.open_connection(found[1].decode(), int(found[2]))
            writer.close()
        return await super().respond(link, command, frame)


@mutant(violates="IF-FRM-06b")
class ExternalEntityIsFetched(Camera):
    """External entities are fetched from the network."""

    zh = "从网络获取外部实体。"
    commands_class = _CommandsFetchingEntities


@mutant(violates="IF-FRM-06c")
class DeepNestingEndsTheProcess(Camera):
    """Deeply nested XML overflows the stack and ends the process."""

    zh = "深层嵌套的 XML 造成栈溢出，进程退出。"
    commands_class = _crashing_on(rb"(?:<d>){100}")


class _CommandsGuessingEncodings(Commands):
    async def respond(self, link: Link, command: Command, frame: ReceivedFrame) -> bytes | None:
        xml = frame.frame.xml
        if xml[:2] in (b"\xff\xfe", b"\xfe\xff"):
            xml = xml.decode("utf-16").replace("utf-16", "utf-8").encode()
        xml = xml.decode("latin-1").encode("ascii", "ignore").replace(b"x-kandian", b"utf-8")
        inner = Frame(frame.frame.command, frame.frame.sequence, re.sub(rb"<Note>[^<]*</Note>", b"", xml))
        return await super().respond(link, command, ReceivedFrame(inner, True, frame.raw, frame.offset))


@mutant(violates="IF-FRM-06d")
class AnyEncodingIsTaken(Camera):
    """Bytes that are no UTF-8 are dropped and the rest is carried out."""

    zh = "丢弃非 UTF-8 字节后照样执行。"
    commands_class = _CommandsGuessingEncodings


class _CommandsWantingOrder(Commands):
    def check_device(self, message: Message) -> None:
        super().check_device(message)
        if message.violations:
            raise Refusal(REFUSED, "not exactly as in the table")


@mutant(violates="IF-FRM-06e")
class OtherOrderIsRefused(Camera):
    """Requests with unknown elements or another order are refused."""

    zh = "含未知元素或顺序不同的请求被拒绝。"
    commands_class = _CommandsWantingOrder


@mutant(violates="IF-FRM-06f")
class OverlongTextEndsTheProcess(Camera):
    """An overlong element text overruns a buffer and ends the process."""

    zh = "超长元素文本造成缓冲越界，进程退出。"
    commands_class = _crashing_on(rb"A{60}")


class _CommandsRefusingWithContent(Commands):
    def refusal(self, name: str, refusal: Refusal) -> bytes | None:
        xml = encode_refusal(self.camera.table, name, refusal.result, self.camera.dev_id)
        return xml.replace(b"</DevID>", b"</DevID><FrameSize>1</FrameSize>")


@mutant(violates="IF-FRM-08c")
class RefusalWithContent(Camera):
    """Refusals carry further elements."""

    zh = "拒绝应答携带其他元素。"
    commands_class = _CommandsRefusingWithContent


class _CommandsForAnyDevice(Commands):
    def check_device(self, message: Message) -> None:
        return


@mutant(violates="IF-FRM-08b")
class ForeignDeviceIdIsServed(Camera):
    """Requests for another DevID are carried out."""

    zh = "执行发给其他 DevID 的请求。"
    commands_class = _CommandsForAnyDevice


class _SilentCommands(Commands):
    def refusal(self, name: str, refusal: Refusal) -> bytes | None:
        return None


@mutant(violates="IF-FRM-08a")
class RefusalsAreSilent(Camera):
    """What cannot be done is not answered at all."""

    zh = "无法执行的请求不应答。"
    commands_class = _SilentCommands


class _HangsUpOnUnknown(Commands):
    async def handle(self, link: Link, frame: ReceivedFrame) -> None:
        if frame.frame.command not in self.camera.table.by_code:
            link.close()
            return
        await super().handle(link, frame)


@mutant(violates="IF-FRM-07")
class UnknownCodeEndsTheLink(Camera):
    """The connection is closed on a command code that is not known."""

    zh = "收到未知命令字即断开连接。"
    commands_class = _HangsUpOnUnknown


class _ChecksNothing(Commands):
    async def respond(self, link: Link, command: Command, frame: ReceivedFrame) -> bytes | None:
        answer = await super().respond(link, command, frame)
        if answer is None or not re.search(rb"<Result>255</Result>", answer) or not command.response:
            return answer
        return encode_refusal(self.camera.table, command.name, 0, self.camera.dev_id)


@mutant(violates="IF-FRM-08")
class InvalidRequestsAreAnsweredZero(Camera):
    """A request that cannot be carried out is answered 0 and forgotten."""

    zh = "无法执行的请求也应答 0，然后不了了之。"
    commands_class = _ChecksNothing
