"""IF-PAR-05b: combinations of video parameters that nobody wrote down, legal and not."""

from __future__ import annotations

import contextlib
import dataclasses
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from conformance.model.checks import Checks, say
from conformance.peers.faults import DeviceFault
from conformance.peers.province import Province
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.plugin.run import Run
from conformance.protocols.tykd_frame import Frame, encode_frame
from conformance.protocols.tykd_message import encode_message
from conformance.suites.camera.signalling_steps import parameters
from conformance.suites.exploration import Finding, explore, rows
from specs.declaration import LoadedDeclaration
from specs.messages import MessageTable, Range
from specs.model import Limit, Text

OPTIONAL = ("FrameSize", "FrameRate", "RateType", "BitRate", "AudioInput")


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: legal values by element, and at most one illegal value in the place of a legal one."""

    channel: int
    stream: int
    values: dict[str, int]
    bent: dict[str, str] = field(default_factory=dict)

    @property
    def sent(self) -> dict[str, Any]:
        """Elements as they are sent."""
        return {"ChannelNo": self.channel, "StreamType": self.stream, **self.values, **self.bent}

    def expected(self, before: dict[str, str]) -> dict[str, str]:
        """Parameters afterwards."""
        return before if self.bent else {**before, **{name: str(value) for name, value in self.values.items()}}


def legal_settings(
    declaration: LoadedDeclaration, table: MessageTable, frame_rate: Limit
) -> st.SearchStrategy[Setting]:
    """Any settings that declared abilities, message table and ``frame_rate`` allow: each element there or not."""
    features = declaration.features
    pairs = features.get("streams")
    declared = sorted(pairs) if isinstance(pairs, frozenset) else ["1/1"]
    channels = features.get("channels")
    lowest, highest = int(frame_rate.min or 0), int(frame_rate.max or 0)
    audio = (0, 1) if features.get("audio") is True else (0,)

    def values(pair: str) -> st.SearchStrategy[dict[str, int]]:
        elements: dict[str, st.SearchStrategy[int]] = {
            "FrameSize": st.just(int(pair[2])),
            "FrameRate": st.integers(lowest, highest),
            "RateType": st.sampled_from(sorted(v.value for v in table.enums["rate_type"])),
            "BitRate": st.sampled_from(sorted(table.bit_rates)),
            "AudioInput": st.sampled_from(audio),
        }
        return st.fixed_dictionaries({}, optional=elements).filter(bool)

    def setting(pair: str) -> st.SearchStrategy[Setting]:
        last = channels - 1 if isinstance(channels, int) else 0
        return st.builds(Setting, st.integers(0, last), st.just(int(pair[0])), values(pair))

    return st.sampled_from(declared).flatmap(setting)


def settings_of(declaration: LoadedDeclaration, table: MessageTable, frame_rate: Limit) -> st.SearchStrategy[Setting]:
    """Legal settings, and legal ones with one illegal value among them."""
    rates = table.domains["frame_rate"].range or Range()
    beyond = {
        "FrameSize": [0, max(table.frame_sizes) + 1],
        "FrameRate": [(rates.min or 0) - 1, (rates.max or 0) + 1],
        "RateType": [0, max(v.value for v in table.enums["rate_type"]) + 1],
        "BitRate": [0, max(table.bit_rates) + 1],
        "AudioInput": [2],
    }
    odd = ["", "x", "-1", "1.5", "4294967297", "0x1"]
    bends = [{name: text} for name in OPTIONAL for text in (*map(str, beyond[name]), *odd)]
    legal = legal_settings(declaration, table, frame_rate)

    def bend(setting: Setting, bent: dict[str, str]) -> Setting:
        return Setting(setting.channel, setting.stream, setting.values, bent)

    return st.one_of(legal, legal, legal, st.builds(bend, legal, st.sampled_from(bends)))


@dataclass(frozen=True, slots=True)
class Taken:
    """A setting that did what it should: parameters afterwards, bytes sent."""

    after: dict[str, str]
    sent: bytes


def _shown(values: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value!r}" for name, value in values.items())


async def _judge(province: Province, setting: Setting, before: dict[str, str], within: float) -> Finding | Taken:
    """Send one setting and look what became of it."""
    values = {"DevID": province.device_id, **setting.sent}
    xml = encode_message(province.table, "SET_CHANNEL", "request", values, check=False)
    frame = Frame(province.table.command("SET_CHANNEL").code or 0, province.next_sequence(), xml)
    received = b""

    def finding(expected: Text, observed: Text) -> Finding:
        return Finding(expected, observed, encode_frame(frame), received)

    try:
        answer = await province.command("SET_CHANNEL", within=within, xml=xml, sequence=frame.sequence)
        received = answer.answer.received.raw
        found = await parameters(province, setting.channel, setting.stream)
    except DeviceFault as fault:
        expected = say("设备应答并继续服务", "the device answers and goes on")
        shown = _shown(setting.sent)
        return finding(expected, say(f"{shown}: {fault.text.zh}", f"{shown}: {fault.text.en}"))
    taken = answer.result == 0
    if taken == (not setting.bent) and found == setting.expected(before):
        return Taken(found, encode_frame(frame))
    expected = (
        say("结果非 0 且参数不变", "a result other than 0 and the parameters as before")
        if setting.bent
        else say("结果为 0 且查询返回所设值", "Result 0 and the query returns what was set")
    )
    observed = f"{_shown(setting.sent)}: Result {answer.result}; {_shown(found)}"
    return finding(expected, say(observed, observed))


class _Settings:
    """Tries settings on one device; every row of them begins with the parameters found at first."""

    def __init__(self, province: Province, within: float) -> None:
        self.province, self.within = province, within
        self.first: dict[tuple[int, int], dict[str, str]] = {}
        self.present: dict[tuple[int, int], dict[str, str]] = {}

    async def ready(self) -> None:
        """The device is online and has its first parameters again."""
        await self.province.online(within=self.within)
        for key, values in self.first.items():
            if self.present.get(key) != values:
                given: dict[str, Any] = {"ChannelNo": key[0], "StreamType": key[1], **values}
                await self.province.command("SET_CHANNEL", within=self.within, breaking=True, **given)
                self.present[key] = values

    async def trial(self, row: list[Setting]) -> Finding | None:
        """The settings of a row, one after the other, up to the first that goes wrong."""
        sent = b""
        for setting in row:
            key = (setting.channel, setting.stream)
            try:
                before = self.present.pop(key, None) or await parameters(self.province, *key)
            except DeviceFault as fault:
                return Finding(say("设备应答查询", "the device answers a query"), fault.text, sent)
            self.first.setdefault(key, before)
            found = await _judge(self.province, setting, before, self.within)
            if isinstance(found, Finding):
                return dataclasses.replace(found, sent=sent + found.sent)
            self.present[key] = found.after
            sent += found.sent
        return None


@verifies("IF-PAR-05b")
def test_combinations_of_parameters(
    run: Run, province: Province, check: Checks, limits: Limits, declaration: LoadedDeclaration
) -> None:
    """Whatever combination of legal values: taken and returned. One illegal value in it: nothing is taken."""
    limit = limits("IF-PAR-05b")
    tried = _Settings(province, limit.answer_within.seconds)
    check.step("s2")
    strategy = rows(settings_of(declaration, province.table, limit.frame_rate))
    explore(run, check, "IF-PAR-05b", strategy, tried.trial, tried.ready)
    check.step("s4")
    with contextlib.suppress(DeviceFault):
        run.run(tried.ready())
