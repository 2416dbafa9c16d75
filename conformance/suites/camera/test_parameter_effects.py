"""IF-PAR: what the platform sets and asks must be what the stream is; both streams are measured at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from conformance.model.checks import Checks, say
from conformance.peers.players import Players
from conformance.peers.province import Province
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.suites.camera.signalling_steps import PARAMETERS, parameters
from conformance.suites.camera.stream_measure import Measured, Wanted, deviation, excess, measure, wanted
from specs.declaration import LoadedDeclaration
from specs.model import Limit

Codes = dict[str, str]
Features = Mapping[str, object]
MAIN, SUB = 1, 2


@dataclass(frozen=True, slots=True)
class Shown:
    """A stream after a setting: what the query says and what a play measures."""

    codes: Codes
    wanted: Wanted
    measured: Measured


class Effects:
    """One device under measurement: sets parameters, then plays until they show or their time is over."""

    def __init__(self, province: Province, players: Players, check: Checks, limits: Limits, features: Features) -> None:
        declared, audio = features.get("streams"), features.get("audio") is not False
        self.province, self.players, self.check, self.limits = province, players, check, limits
        self.pairs = (
            sorted((int(pair[0]), int(pair[2])) for pair in declared) if isinstance(declared, frozenset) else []
        )
        self.streams = sorted({stream for stream, _ in self.pairs}) or [MAIN]
        self.audio = audio
        self.results: list[int] = []

    def has(self, stream: int, size: int) -> bool:
        """Whether the pair is declared."""
        return (stream, size) in self.pairs

    async def set(self, stream: int, **codes: int | str) -> None:
        """One setting; its result is kept."""
        values: dict[str, Any] = {"ChannelNo": 0, "StreamType": stream, **codes}
        exchanged = await self.province.command("SET_CHANNEL", **values)
        self.results.append(exchanged.result)

    async def shown(self) -> dict[int, Shown]:
        """Query and measure every stream, again and again until all is in force or the time for it is over."""
        limit = self.limits("IF-PAR-02b")
        deadline = self.province.wire.now() + limit.effect_within.seconds
        while True:
            codes = {stream: await parameters(self.province, 0, stream) for stream in self.streams}
            aims = {stream: wanted(self.province.table, found) for stream, found in codes.items()}
            measured = await measure(self.players, limit.measure_window.seconds, *self.streams)
            found = {s: Shown(codes[s], aims[s], m) for s, m in zip(self.streams, measured, strict=True)}
            rate, bits = limit.frame_rate_tolerance.number, self.limits("IF-PAR-02c").bit_rate_tolerance.number
            good = all(self.sized(x) and x.wanted.shows(x.measured, rate, bits) for x in found.values())
            if good or self.province.wire.now() >= deadline:
                return found

    def sized(self, shown: Shown) -> bool:
        """Whether the picture has the size of its code; code 3 is a class of sizes."""
        width, height = shown.measured.size
        told_width, told_height = shown.wanted.size
        if shown.codes["FrameSize"] == "3":
            return width == told_width and self.limits("IF-PAR-03b").height.holds(height)
        return (width, height) == (told_width, told_height)

    def judge_size(self, requirement: str, shown: Shown, about: object) -> None:
        """Size of the picture against its code."""
        width, height = shown.wanted.size
        self.check.true(requirement, self.sized(shown), f"{width}x{height}", shown.measured, str(about))

    def judge_rate(self, requirement: str, shown: Shown, fps: int, about: str) -> None:
        """Frame rate against what was set."""
        limit = self.limits("IF-PAR-02b").frame_rate_tolerance
        self.check.within(requirement, deviation(shown.measured.fps, fps), limit, about)

    def judge_bits(self, requirement: str, shown: Shown, code: int, about: str, *, constant: bool = True) -> None:
        """Bit rate against the code that was set."""
        off = deviation if constant else excess
        limit: Limit = self.limits("IF-PAR-02c").bit_rate_tolerance
        told = self.province.table.bit_rates[code]
        self.check.within(requirement, off(shown.measured.kbit_s, told), limit, f"{about}: {shown.measured}")

    def judge_query(self, requirement: str, shown: Shown, codes: dict[str, int]) -> None:
        """The query returns what was set."""
        found = {name: shown.codes[name] for name in codes}
        expected = {name: str(code) for name, code in codes.items()}
        self.check.equal(requirement, found, expected, say("设置后的查询", "query after the setting"))


@verifies(
    "IF-PAR-02", "IF-PAR-01a", "IF-PAR-02a", "IF-PAR-02b", "IF-PAR-02c", "IF-PAR-02d", "IF-PAR-02e",
    "IF-PAR-03", "IF-PAR-03a", "IF-PAR-03b", "IF-PAR-04", "IF-PAR-07",
)  # fmt: skip
async def test_settings_show_in_the_stream(
    province: Province, player: Players, check: Checks, limits: Limits, declaration: LoadedDeclaration
) -> None:
    """Both streams are set in turn; query, size, frame rate, bit rate and audio of each follow what was set."""
    effects = Effects(province, player, check, limits, declaration.features)
    check.step("s1")
    before = {stream: await parameters(province, 0, stream) for stream in effects.streams}
    rates = sorted(province.table.bit_rates)
    middle, high, low = (province.wire.random.choice(part) for part in (rates[2:4], rates[4:7], rates[5:8]))
    first, second = (10, 20) if before[MAIN]["FrameRate"] != "10" else (12, 20)
    try:
        check.step("s2")
        await _low_main(effects, before, first, low)
        await _sub_silent(effects, middle)
        check.step("s3")
        await _high_both(effects, second, high)
    finally:
        check.step("s4")
        for stream, codes in before.items():
            await effects.set(stream, **codes)
    check.equal("IF-PAR-02", set(effects.results), {0}, say("各次设置的结果", "results of the settings"))
    restored = {stream: await parameters(province, 0, stream) for stream in effects.streams}
    check.equal("IF-PAR-02", restored, before, say("恢复后的参数", "parameters after restoring"))


async def _low_main(effects: Effects, before: dict[int, Codes], fps: int, code: int) -> None:
    """Main stream slow and small; the sub stream stays and is what its query says."""
    codes = {"FrameRate": fps, "RateType": 1, "BitRate": code}
    await effects.set(MAIN, **codes, **({"FrameSize": 1} if effects.has(MAIN, 1) else {}))
    shown = await effects.shown()
    effects.judge_query("IF-PAR-02", shown[MAIN], codes)
    effects.judge_rate("IF-PAR-02b", shown[MAIN], fps, "FrameRate")
    effects.judge_bits("IF-PAR-02c", shown[MAIN], code, "BitRate")
    _judge_code(effects, shown[MAIN], code)
    if effects.has(MAIN, 1):
        width, height = (getattr(effects.limits("IF-PAR-03"), name).number for name in ("width", "height"))
        effects.check.equal("IF-PAR-03", shown[MAIN].measured.size, (width, height), "FrameSize 1")
    else:
        _no_such_pair(effects, "IF-PAR-03")
    if SUB in shown:
        _unchanged(effects, shown[SUB], before[SUB])
    _honest(effects, shown[SUB if SUB in shown else MAIN])


async def _sub_silent(effects: Effects, code: int) -> None:
    """Sub stream large and without sound; the main stream stays at what it was set to."""
    if SUB not in effects.streams:
        for requirement in ("IF-PAR-02a", "IF-PAR-02e", "IF-PAR-03a", "IF-PAR-07"):
            _no_such_pair(effects, requirement)
        return
    main = await parameters(effects.province, 0, MAIN)
    codes = {"RateType": 1, "BitRate": code, "AudioInput": 0}
    await effects.set(SUB, **codes, **({"FrameSize": 2} if effects.has(SUB, 2) else {}))
    shown = await effects.shown()
    effects.judge_query("IF-PAR-02", shown[SUB], codes)
    _judge_code(effects, shown[SUB], code)
    _unchanged(effects, shown[MAIN], main)
    _honest(effects, shown[MAIN])
    _judge_audio(effects, shown[SUB], on=False)
    if not effects.has(SUB, 2):
        _no_such_pair(effects, "IF-PAR-03a")
        return
    effects.judge_size("IF-PAR-02a", shown[SUB], "FrameSize 2")
    width, height = (getattr(effects.limits("IF-PAR-03a"), name).number for name in ("width", "height"))
    effects.check.equal("IF-PAR-03a", shown[SUB].measured.size, (width, height), "FrameSize 2")


async def _high_both(effects: Effects, fps: int, code: int) -> None:
    """Main stream fast at a variable rate, sub stream small, fast and with sound."""
    await effects.set(MAIN, FrameRate=fps, RateType=2, BitRate=code)
    if SUB in effects.streams:
        size = {"FrameSize": 3} if effects.has(SUB, 3) else {}
        await effects.set(SUB, FrameRate=fps, BitRate=code, AudioInput=int(effects.audio), **size)
    shown = await effects.shown()
    effects.judge_rate("IF-PAR-02b", shown[MAIN], fps, "FrameRate")
    effects.judge_query("IF-PAR-02d", shown[MAIN], {"RateType": 2})
    effects.judge_bits("IF-PAR-02d", shown[MAIN], code, "RateType 2", constant=False)
    if SUB not in shown:
        _no_such_pair(effects, "IF-PAR-03b")
        return
    effects.judge_query("IF-PAR-02d", shown[SUB], {"RateType": 1})
    effects.judge_bits("IF-PAR-02d", shown[SUB], code, "RateType 1")
    effects.judge_bits("IF-PAR-02c", shown[SUB], code, "BitRate")
    _judge_code(effects, shown[SUB], code)
    _judge_audio(effects, shown[SUB], on=True)
    if not effects.has(SUB, 3):
        _no_such_pair(effects, "IF-PAR-03b")
        return
    effects.judge_size("IF-PAR-02a", shown[SUB], "FrameSize 3")
    limit = effects.limits("IF-PAR-03b")
    effects.check.within("IF-PAR-03b", shown[SUB].measured.size[0], limit.width, "FrameSize 3")
    effects.check.within("IF-PAR-03b", shown[SUB].measured.size[1], limit.height, "FrameSize 3")


def _judge_code(effects: Effects, shown: Shown, code: int) -> None:
    effects.judge_bits("IF-PAR-04", shown, code, f"BitRate {code}")
    effects.judge_query("IF-PAR-04", shown, {"BitRate": code})


def _no_such_pair(effects: Effects, requirement: str) -> None:
    effects.check.not_applicable(requirement, say("设备未声明该组合", "the device does not declare this pair"))


def _judge_audio(effects: Effects, shown: Shown, *, on: bool) -> None:
    """Sound is sent when it is on, and not one packet when it is off."""
    least = int(effects.limits("IF-PAR-02e").audio_packets.number)
    count = shown.measured.audio_packets
    if not effects.audio:
        effects.check.not_applicable("IF-PAR-02e", say("设备未声明音频", "the device does not declare audio"))
        return
    expected = say(f"至少 {least} 个音频包", f"at least {least} audio packets")
    silent = say("没有音频包", "no audio packet")
    held = count >= least if on else count == 0
    effects.check.true("IF-PAR-02e", held, expected if on else silent, count, f"AudioInput {int(on)}")


def _unchanged(effects: Effects, shown: Shown, before: Codes) -> None:
    """The stream that was not set: its query and its frame rate are what they were."""
    found = {name: shown.codes[name] for name in PARAMETERS}
    effects.check.equal("IF-PAR-07", found, before, say("另一路的参数", "parameters of the other stream"))
    effects.judge_rate("IF-PAR-07", shown, int(before["FrameRate"]), "FrameRate")


def _honest(effects: Effects, shown: Shown) -> None:
    """The query tells what the stream is."""
    limit = effects.limits("IF-PAR-01a")
    effects.judge_size("IF-PAR-01a", shown, "FrameSize")
    fps, kbit_s = shown.measured.fps, shown.measured.kbit_s
    effects.check.within("IF-PAR-01a", deviation(fps, shown.wanted.fps), limit.frame_rate_tolerance, "FrameRate")
    effects.check.within("IF-PAR-01a", excess(kbit_s, shown.wanted.kbit_s), limit.bit_rate_tolerance, "BitRate")
    effects.check.equal("IF-PAR-01a", bool(shown.measured.audio_packets), shown.wanted.audio, "AudioInput")
