"""Steps that many signalling tests share: reading settings, sending frames that the codec would not, probing."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Any

from conformance.model.checks import Checks, say
from conformance.peers.device_link import DeviceLink, Received
from conformance.peers.faults import DeviceClosed, DeviceFault, NoAnswer
from conformance.peers.province import Exchanged, Province
from conformance.protocols.tykd_frame import Frame, encode_frame
from conformance.protocols.tykd_message import encode_message
from specs.model import Limit

PARAMETERS = ("FrameSize", "FrameRate", "RateType", "BitRate", "AudioInput")


async def parameters(province: Province, channel: int = 0, stream: int = 1) -> dict[str, str]:
    """The video parameters that GET_CHANNEL returns. Raises DeviceFault."""
    exchanged = await province.command("GET_CHANNEL", ChannelNo=channel, StreamType=stream)
    return {name: exchanged.message.get(name) for name in PARAMETERS}


def other_frame_rate(current: dict[str, str]) -> int:
    """A valid frame rate that differs from the present one."""
    return 12 if current["FrameRate"] == "15" else 15


def request_frame(province: Province, name: str, sequence: int | None = None, **values: Any) -> Frame:
    """A well-formed request as a frame, for tests that send bytes themselves."""
    command = province.table.command(name)
    assert command.code is not None
    xml = encode_message(province.table, name, "request", {"DevID": province.device_id, **values})
    return Frame(command.code, province.next_sequence() if sequence is None else sequence, xml)


def query_frame(province: Province, sequence: int | None = None) -> Frame:
    """GET_CHANNEL of the main stream as a frame."""
    return request_frame(province, "GET_CHANNEL", sequence, ChannelNo=0, StreamType=1)


@dataclass(frozen=True, slots=True)
class Reaction:
    """What the device did on bytes that it must not act on."""

    answers: tuple[Received, ...]
    closed: bool

    @property
    def results(self) -> tuple[int, ...]:
        """Result codes of the answers."""
        return tuple(answer.message.result for answer in self.answers)


async def react(province: Province, link: DeviceLink, data: bytes, window: Limit) -> Reaction:
    """Send bytes and watch the link for ``window``, or until the first answer."""
    before = len(province.received)
    link.send_raw(data)
    with contextlib.suppress(NoAnswer):
        await province.next_where(lambda r: r.link is link and r.message.kind == "response", window.seconds, "answer")
    closed = not link.open
    answers = [r for r in province.received[before:] if r.link is link and r.message.kind == "response"]
    return Reaction(tuple(answers), closed)


async def survives(
    province: Province, check: Checks, requirement: str, settings: dict[str, str], within: float
) -> bool:
    """Probe: the device answers a query (after a reconnect at most) and its settings are what they were."""
    try:
        await province.online(within=within)
        found = await parameters(province)
    except DeviceFault as fault:
        return check.fail(requirement, say("设备存活并应答", "the device is alive and answers"), fault.text)
    return check.equal(requirement, found, settings, say("之后查询到的参数", "parameters queried afterwards"))


async def ask(province: Province, frame: Frame, link: DeviceLink, within: float, data: bytes = b"") -> Exchanged | None:
    """Send a frame (or ``data`` in its place) and wait for the answer to its code and sequence; None for silence."""
    before = len(province.received)
    sent_at = link.send_raw(data or encode_frame(frame))

    def fits(r: Received) -> bool:
        return r.link is link and r.received.frame.command == frame.command and r.sequence == frame.sequence

    answer: Received | None
    try:
        answer = await province.next_where(fits, within, "answer")
    except (NoAnswer, DeviceClosed):
        answer = next((r for r in province.received[before:] if fits(r)), None)
    return None if answer is None else Exchanged(sent_at, answer.at, answer)
