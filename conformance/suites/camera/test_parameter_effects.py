"""IF-PAR: what the platform sets and asks must be what the stream is; both streams are measured at once."""

from __future__ import annotations

from dataclasses import dataclass

from conformance.model.checks import Checks, say
from conformance.peers.players import Players
from conformance.peers.province import Province
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.suites.camera.signalling_steps import PARAMETERS, parameters
from conformance.suites.camera.stream_measure import Measured, Wanted, deviation, excess, measure, wanted
from conformance.wire import Wire
from specs.declaration import LoadedDeclaration
from specs.model import Limit

Codes = dict[str, str]
MAIN, SUB = 1, 2


@dataclass(frozen=True, slots=True)
class Shown:
    """A stream after a setting: what the query says and what a play measures."""

    codes: Codes
    wanted: Wanted
    measured: Measured


class Effects:
    """One device under measurement: sets parameters, then plays until they show or their time is over."""

    def __init__(
        self, province: Province, players: Players, check: Checks, limits: Limits, declared: frozenset[str]
    ) -> None:
        self.province, self.players, self.check, self.limits = province, players, check, limits
        self.pairs = sorted(tuple(map(int, pair.split("/"))) for pair in declared)
        self.streams = sorted({stream for stream, _ in self.pairs}) or [MAIN]
        self.results: list[int] = []

    def has(self, stream: int, size: int) -> bool:
        """Whether the pair is declared."""
        return (stream, size) in self.pairs

    async def set(self, stream: int, **codes: int | str) -> None:
        """One setting; its result is kept."""
        exchanged = await self.province.command("SET_CHANNEL", ChannelNo=0, StreamType=stream, **codes)
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


_EFFECTS = (
    "IF-PAR-02", "IF-PAR-01a", "IF-PAR-02a", "IF-PAR-02b", "IF-PAR-02c", "IF-PAR-02d", "IF-PAR-02e",
    "IF-PAR-03", "IF-PAR-03a", "IF-PAR-03b", "IF-PAR-04", "IF-PAR-07",
)  # fmt: skip


@verifies(*_EFFECTS)
async def test_settings_show_in_the_stream(
    province: Province, player: Players, check: Checks, limits: Limits, declaration: LoadedDeclaration
) -> None:
    """Main and sub stream are set in turn; query, size, frame rate, bit rate and audio of both follow, and only these."""
    declared = declaration.features.get("streams")
    effects = Effects(province, player, check, limits, declared if isinstance(declared, frozenset) else frozenset())
    check.step("s1")
    before = {stream: await parameters(province, 0, stream) for stream in effects.streams}
    low, middle, high = sorted(province.wire.random.sample(range(3, 10), int(limits("IF-PAR-04").codes_sampled.number)))
    first, second = (10, 20) if before[MAIN]["FrameRate"] != "10" else (12, 20)
    try:
        check.step("s2")
        await _low_main(effects, before, first, low)
        await _sub_silent(effects, before, first, middle)
        check.step("s3")
        await _high_both(effects, before, second, high)
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


async def _sub_silent(effects: Effects, before: dict[int, Codes], fps: int, code: int) -> None:
    """Sub stream large, fast and without sound; the main stream stays at what it was set to."""
    if SUB not in effects.streams:
        for requirement in ("IF-PAR-02a", "IF-PAR-03a", "IF-PAR-07"):
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


async def _high_both(effects: Effects, before: dict[int, Codes], fps: int, code: int) -> None:
    """Main stream fast at a variable rate, sub stream small, fast and with sound."""
    await effects.set(MAIN, FrameRate=fps, RateType=2, BitRate=code)
    if SUB in effects.streams:
        sound = {"AudioInput": 1} if effects.limits_audio(before) else {}
        await effects.set(SUB, FrameRate=fps, BitRate=code, **sound, **_size(effects, 3))
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
