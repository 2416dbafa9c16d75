"""Mutants of a platform that issues and judges play tokens."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
from collections.abc import Callable
from functools import partial

from sqlalchemy import select

from conformance.protocols.tykd_message import Message
from simulators.faults.registry import mutant
from simulators.platform.access_server import AccessServer
from simulators.platform.client_api import ClientApi
from simulators.platform.clock import CHINA
from simulators.platform.device_link import DeviceLink
from simulators.platform.platform import Platform
from simulators.platform.tables import TOKENS
from simulators.platform.tokens import Grant, Tokens


class _Remembering(Tokens):
    """Keeps every grant, so that a mutant may judge by it."""

    def __init__(self, platform: Platform) -> None:
        super().__init__(platform)
        self.grants: dict[str, Grant] = {}

    def issue(self, grant: Grant) -> tuple[str, float]:
        token, until = super().issue(grant)
        self.grants[token] = grant
        return token, until


class _AnyChannel(_Remembering):
    def use(self, token: str, device: str, channel: str, target: str, purpose: str) -> bool:
        grant = self.grants.get(token)
        return super().use(token, device, grant.channel if grant else channel, target, purpose)


@mutant(violates="IF-AHL-06")
class TokensOpenEveryChannel(Platform):
    """A token is good for every channel of its device."""

    zh = "令牌对设备的所有通道有效。"
    tokens_class = _AnyChannel


class _AnyStream(_Remembering):
    def use(self, token: str, device: str, channel: str, target: str, purpose: str) -> bool:
        grant = self.grants.get(token)
        same = grant is not None and grant.purpose == purpose
        return super().use(token, device, channel, grant.target if grant and same else target, purpose)


@mutant(violates="IF-AHL-06")
class TokensOpenEveryStream(Platform):
    """A token of the sub stream opens the main stream, and one of a file every file."""

    zh = "令牌不区分码流与文件。"
    tokens_class = _AnyStream


class _AnyDevice(_Remembering):
    def use(self, token: str, device: str, channel: str, target: str, purpose: str) -> bool:
        grant = self.grants.get(token)
        return super().use(token, grant.device if grant else device, channel, target, purpose)


@mutant(violates="IF-AHL-06")
class TokensOpenEveryDevice(Platform):
    """A token of one device is good at another."""

    zh = "一台设备的令牌可用于另一台。"
    tokens_class = _AnyDevice


class _Forever(Tokens):
    def __init__(self, platform: Platform) -> None:
        super().__init__(platform)
        self.life = 10 * 86400.0


@mutant(violates="IF-AHL-07")
class TokensOfTenDays(Platform):
    """A token is good for ten days, whatever is declared."""

    zh = "令牌十天内有效，与声明无关。"
    tokens_class = _Forever


class _Twice(Tokens):
    uses = 2


@mutant(violates="IF-AHL-08")
class TokensWorkTwice(Platform):
    """A token is good for two uses."""

    zh = "令牌可使用两次。"
    tokens_class = _Twice


class _ReadThenWritten(AccessServer):
    async def _on_play(self, link: DeviceLink, sequence: int, message: Message, target: str) -> None:
        tokens = self.platform.tokens
        token = message.get("HashToken")
        query = select(TOKENS.c.uses).where(TOKENS.c.id == tokens.digest(token), TOKENS.c.uses == 0)
        if self.platform.database.value(query) is None:
            await super()._on_play(link, sequence, message, target)
            return
        self.platform.spawn(self._later(link, sequence, message, target))

    async def _later(self, link: DeviceLink, sequence: int, message: Message, target: str) -> None:
        await asyncio.sleep(0.02)
        purpose = "live" if message.name == "VIDEO_PLAY" else "playback"
        token, channel = message.get("HashToken"), message.get("ChannelNo")
        good = self.platform.tokens.use(token, link.device_id, channel, target, purpose)
        self.won = getattr(self, "won", set()) | ({token} if good else set())
        link.answer(message.name, sequence, {"Result": int(token not in self.won), "DevID": link.device_id})


@mutant(violates="IF-AHL-08")
class ParallelUsesAllWin(Platform):
    """Uses at the same moment are all found good before any of them is noted."""

    zh = "并发使用时先查后写，全部成功。"
    access_class = _ReadThenWritten


class _FromTheClock(Tokens):
    def issue(self, grant: Grant) -> tuple[str, float]:
        self.grant = grant
        return super().issue(grant)

    def new_text(self) -> str:
        moment = dt.datetime.fromtimestamp(self.platform.clock.now(), CHINA).strftime("%Y%m%d%H%M%S")
        return hashlib.md5(f"{self.grant.device}{moment}".encode(), usedforsecurity=False).hexdigest()


class _Overwriting(_FromTheClock):
    def issue(self, grant: Grant) -> tuple[str, float]:
        self.grant = grant
        key = self.digest(self.new_text())
        self.platform.database.change(TOKENS.delete().where(TOKENS.c.id == key))
        return super().issue(grant)


@mutant(violates="IF-AHL-09")
class TokensOfIdAndTime(Platform):
    """A token is the MD5 of device id and time."""

    zh = "令牌为设备编号与时间的 MD5。"
    tokens_class = _Overwriting


class _Counted(Tokens):
    count = 0

    def new_text(self) -> str:
        self.count += 1
        return f"5d3a91c7e04b{self.count:020x}"


@mutant(violates="IF-AHL-09")
class TokensAreCounted(Platform):
    """A token is a constant and a number that is counted up."""

    zh = "令牌为固定前缀加递增编号。"
    tokens_class = _Counted


class _NeverRevoked(Tokens):
    def revoke(self, *, token: str = "", user: str = "", device: str = "", session: str = "") -> int:
        return 0


@mutant(violates="IF-AHL-10")
class TokensOutliveRights(Platform):
    """Tokens that were issued stay good when the right is gone."""

    zh = "权限取消后已签发的令牌仍有效。"
    tokens_class = _NeverRevoked


class _Explaining(AccessServer):
    async def _on_play(self, link: DeviceLink, sequence: int, message: Message, target: str) -> None:
        tokens = self.platform.tokens
        query = select(TOKENS.c.uses).where(TOKENS.c.id == tokens.digest(message.get("HashToken")), TOKENS.c.uses > 0)
        if self.platform.database.value(query) is not None:
            link.answer(message.name, sequence, {"Result": 255, "DevID": link.device_id})
            return
        await super()._on_play(link, sequence, message, target)


@mutant(violates="IF-AHL-16")
class UsedTokensHaveACodeOfTheirOwn(Platform):
    """A used token is refused with another code than an unknown one."""

    zh = "已用令牌与未知令牌的拒绝码不同。"
    access_class = _Explaining


class _SlowForKnown(AccessServer):
    async def _on_play(self, link: DeviceLink, sequence: int, message: Message, target: str) -> None:
        query = select(TOKENS.c.uses).where(TOKENS.c.id == self.platform.tokens.digest(message.get("HashToken")))
        if self.platform.database.value(query) is not None:
            await asyncio.sleep(0.01)
        await super()._on_play(link, sequence, message, target)


@mutant(violates="IF-AHL-16")
class KnownTokensTakeLonger(Platform):
    """A token that was issued once is refused ten milliseconds later than one that never was."""

    zh = "曾签发令牌的拒绝比未知令牌慢十毫秒。"
    access_class = _SlowForKnown


class _OneTokenForAll(ClientApi):
    def __init__(self, platform: Platform) -> None:
        super().__init__(platform)
        self.watching.addresses = partial(_local_only, self.watching.addresses)  # type: ignore[method-assign]


def _local_only(
    plain: Callable[[str, str, Grant], dict[str, str]], dev: str, query: str, grant: Grant
) -> dict[str, str]:
    found = plain(dev, query, grant)
    return {**dict.fromkeys(found, ""), "local": found["local"]}


@mutant(violates="BIZ-LIV-01a")
class OnlyTheLocalAddress(Platform):
    """A play answer holds the local address only."""

    zh = "播放应答只有局域网地址。"
    client_class = _OneTokenForAll
