"""Steps with play tokens: asking for one as a phone, and asking for the verdict as the device (tykd 0x35, 0x74)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any
from urllib.parse import parse_qs, urlsplit

from conformance.model.checks import Checks, say
from conformance.peers.platform.phone import Phone
from conformance.peers.platform.reply import Reply
from conformance.peers.platform.token_statistics import kolmogorov
from conformance.plugin.fixtures import Limits

LIVE, RECORD = "VIDEO_PLAY", "RECORD_PLAY"
PATHS = ("local", "direct", "relay")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a device asks about. ``target``: the StreamType of a live play, the FileName of a playback."""

    dev_id: str
    token: str = ""
    channel: str = "0"
    target: str = "1"
    name: str = LIVE

    def elements(self) -> dict[str, Any]:
        """The elements besides DevID, in the form of the URL."""
        target = "StreamType" if self.name == LIVE else "FileName"
        return {"ChannelNo": self.channel, target: self.target, "HashToken": self.token}

    def values(self) -> dict[str, Any]:
        """All elements."""
        return {"DevID": self.dev_id, **self.elements()}


def token_of(url: str) -> str:
    """The token that stands in a play address, empty for none."""
    return parse_qs(urlsplit(url).query).get("hashtoken", [""])[0]


def tokens_in(reply: Reply) -> list[str]:
    """The tokens of a play answer, each address once."""
    return [found for name in PATHS if (found := token_of(str(reply.at(name) or "")))]


async def play_tokens(phone: Phone, dev_id: str, channel: int = 0, stream: int = 1) -> list[str]:
    """Ask for a live play; the tokens of its addresses."""
    return tokens_in(await phone.call("play", {"channel": channel, "stream": stream}, terminal=dev_id))


async def a_token(check: Checks, phone: Phone, dev_id: str) -> str | None:
    """A fresh token for the main stream of channel 0; a control leg that there is one."""
    found = await play_tokens(phone, dev_id)
    got = say("播放地址带令牌", "the play address has a token")
    return found[0] if check.control(bool(found), got) else None


async def file_token(phone: Phone, dev_id: str, file: str) -> str:
    """A token for a recording on the device, empty for none."""
    found = tokens_in(await phone.call("playback", {"channel": 0, "file": file}, terminal=dev_id))
    return found[0] if found else ""


def judge_times(
    check: Checks, requirement: str, kind: str, seconds: Sequence[float], others: Sequence[float], limit: Limits
) -> None:
    """Seconds that refusals of one kind took against those of another: the distributions cannot be told apart."""
    apart = kolmogorov(seconds, others)
    gap = abs(median(seconds) - median(others))
    check.figures[kind] = {"distance": round(apart, 3), "median": median(seconds)}
    held = limit.distance.holds(apart) or limit.median_gap.holds(gap)
    expected = say("耗时不可区分", "times that cannot be told apart")
    check.true(requirement, held, expected, f"D {apart:.3f}, {gap * 1000:.2f} ms", kind)
