"""Mutants of a platform that tells where a live stream can be played."""

from __future__ import annotations

from typing import Any

from simulators.faults.registry import mutant
from simulators.platform.client_api import ClientApi
from simulators.platform.client_call import Call
from simulators.platform.platform import Platform

MAIN = 1


class _Changing(ClientApi):
    """Answers of play go through ``change``."""

    def __init__(self, platform: Platform) -> None:
        super().__init__(platform)
        plain = self.watching.play

        async def play(call: Call) -> dict[str, Any]:
            return self.change(await plain(call))

        self.watching.play = play  # type: ignore[method-assign]

    def change(self, answer: dict[str, Any]) -> dict[str, Any]:
        """What is sent instead."""
        return answer


class _Past(_Changing):
    def change(self, answer: dict[str, Any]) -> dict[str, Any]:
        clock = self.platform.clock
        return {**answer, "expiresAt": clock.text(clock.now() - 1.0)}


@mutant(violates="IF-CLI-03")
class PlayAnswersAreOverAtOnce(Platform):
    """The moment of expiry lies in the past."""

    zh = "播放应答的有效期已经过去。"
    client_class = _Past


class _Guessed(_Changing):
    def change(self, answer: dict[str, Any]) -> dict[str, Any]:
        return {**answer, "relay": answer["relay"] or answer["local"]}


@mutant(violates="IF-CLI-03")
class TheRelayIsMadeUp(Platform):
    """Where there is no relay, its address is that of the local network."""

    zh = "没有中继时以局域网地址充当。"
    client_class = _Guessed


class _OtherStream(_Changing):
    def change(self, answer: dict[str, Any]) -> dict[str, Any]:
        return {**answer, "streamType": MAIN}


@mutant(violates="IF-CLI-03")
class EveryAnswerSaysMainStream(Platform):
    """The stream type of an answer is always that of the main stream."""

    zh = "应答中的码流类型恒为主码流。"
    client_class = _OtherStream
