"""The token authority of the province platform: issues play tokens and answers the device's questions about them.

Tokens are opaque to the device (32 hex digits, tykd 0x35 and 0x74). A token is good for the device, channel and stream
or file that it was issued for. Behaviour is set per token or for all; `reset` goes back to honest.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from conformance.peers.answers import Answer, honest, refuse, silent
from conformance.protocols.tykd_message import Message

ACCEPTED = 0
REFUSED = 1


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token was issued for. ``target``: StreamType of a live play, FileName of a playback."""

    token: str
    device_id: str
    channel: str
    target: str


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """One question of the device. ``at``: seconds on the wire clock; ``token``: HashToken as asked."""

    at: float
    sequence: int
    message: Message

    @property
    def token(self) -> str:
        """The token asked about."""
        return self.message.get("HashToken")

    @property
    def target(self) -> str:
        """StreamType (live) or FileName (playback) as asked."""
        return self.message.get("StreamType") or self.message.get("FileName")


class TokenAuthority:
    """Issues tokens, judges them, remembers every question."""

    def __init__(self, device_id: str, source: Callable[[], random.Random]) -> None:
        self.requests: list[TokenRequest] = []
        self._device_id = device_id
        self._source = source
        self._grants: dict[str, Grant] = {}
        self._answers: dict[str, Answer] = {}
        self._all: Answer = honest

    def issue(self, *, channel: int | str = 0, stream: int | str = 1, file: str = "", good: bool = True) -> str:
        """A fresh token; ``good=False`` gives one of the right form that nobody will accept."""
        token = f"{self._source().getrandbits(128):032x}"
        if good:
            self._grants[token] = Grant(token, self._device_id, str(channel), file or str(stream))
        return token

    def answer_all(self, answer: Answer) -> None:
        """Answer every question this way."""
        self._all = answer

    def answer_for(self, token: str, answer: Answer) -> None:
        """Answer questions about this token this way."""
        self._answers[token] = answer

    def refuse_all(self, result: int = REFUSED) -> None:
        """Refuse every token."""
        self._all = refuse(result)

    def silence(self) -> None:
        """Answer no question."""
        self._all = silent

    def revoke(self, token: str) -> None:
        """The token is no longer good."""
        self._grants.pop(token, None)

    def reset(self) -> None:
        """Honest again; tokens stay known, questions are forgotten."""
        self._all = honest
        self._answers.clear()
        self.requests.clear()

    def judge(self, message: Message) -> Mapping[str, str]:
        """The honest verdict on a question, as element values."""
        grant = self._grants.get(message.get("HashToken"))
        asked = (message.get("DevID"), message.get("ChannelNo"), message.get("StreamType") or message.get("FileName"))
        good = grant is not None and (grant.device_id, grant.channel, grant.target) == asked
        return {"Result": str(ACCEPTED if good else REFUSED), "DevID": self._device_id}

    def answer(self, message: Message) -> Answer:
        """How this question is answered."""
        return self._answers.get(message.get("HashToken"), self._all)

    def requests_for(self, token: str) -> list[TokenRequest]:
        """Questions about this token so far."""
        return [request for request in self.requests if request.token == token]
