"""HTTP digest (RFC 7616) towards one device: remembers its challenge and counts the uses of the nonce."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from conformance.protocols.http_answer import HttpAnswer
from conformance.protocols.rtsp import RtspError
from conformance.protocols.rtsp_auth import Challenge, answer_challenge, format_authorization, parse_www_authenticate
from conformance.wire import Wire

#: Algorithms that can be answered, the better one first.
ALGORITHMS = ("SHA-256", "MD5")


def read_challenges(answer: HttpAnswer) -> list[Challenge]:
    """The challenges of a response; none when they cannot be read."""
    values = [value for name, value in answer.headers if name.lower() == "www-authenticate"]
    try:
        return parse_www_authenticate(values)
    except RtspError:
        return []


def choose(challenges: Sequence[Challenge], algorithm: str = "") -> Challenge | None:
    """The digest challenge to answer: the one with that algorithm, else the best known."""
    for name in (algorithm,) if algorithm else ALGORITHMS:
        for challenge in challenges:
            if challenge.is_digest and challenge.algorithm.upper() == name:
                return challenge
    return None


@dataclass(slots=True)
class HttpLogin:
    """One user's digest. ``challenge``: the one in use, None before the first."""

    wire: Wire
    username: str
    password: str = field(repr=False)
    challenge: Challenge | None = None
    count: int = 0

    def learn(self, answer: HttpAnswer, algorithm: str = "") -> bool:
        """Take up a challenge of a 401. False when there is none that can be answered."""
        found = choose(read_challenges(answer), algorithm)
        if found is not None:
            self.challenge, self.count = found, 0
        return found is not None

    def authorize(self, method: str, target: str) -> str:
        """The Authorization header for one request. Raises RtspError for a challenge that cannot be answered."""
        assert self.challenge is not None
        challenge = self.challenge
        self.count += 1
        count, cnonce = self.count, f"{self.wire.random.getrandbits(64):016x}"

        def find() -> str:
            found = answer_challenge(
                challenge, self.username, self.password, method, target, cnonce=cnonce, count=count
            )
            return format_authorization(found)

        return str(self.wire.fact("http digest", find))
