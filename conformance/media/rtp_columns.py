"""RTP packets of a capture as columns: sorted out from all UDP packets, numbered by stream."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from conformance.media.packet_layers import Flow

if TYPE_CHECKING:
    import numpy.typing as npt


RTP_HEADER = 12
MOST_STREAMS = 100_000
_PLAIN_IPV4 = b"\x08\x00\x45"
_WORDS = 10


@dataclass(frozen=True, slots=True)
class RtpColumns:
    """Packets in the order of the capture. stream: number of (flow, SSRC). marks: second byte of the RTP header.

    sequences uint16, timestamps uint32, times int64 nanoseconds, sizes uint32 bytes of the RTP packet.
    """

    stream: npt.NDArray[np.int32]
    sequences: npt.NDArray[np.uint16]
    timestamps: npt.NDArray[np.uint32]
    times: npt.NDArray[np.int64]
    sizes: npt.NDArray[np.uint32]
    marks: npt.NDArray[np.uint8]


class StreamTable:
    """Numbers streams by a 64 bit sum of flow and SSRC with random factors, so that nobody can make two collide."""

    def __init__(self) -> None:
        self.streams: list[tuple[Flow, int]] = []
        factors = np.frombuffer(secrets.token_bytes(8 * _WORDS), np.uint64)
        self._factors = factors | np.uint64(1)
        self._known = np.empty(0, np.uint64)
        self._numbers = np.empty(0, np.int32)

    def digest(self, words: list[npt.NDArray[np.uint32]]) -> npt.NDArray[np.uint64]:
        """One number for each row of these columns."""
        total = words[0] * self._factors[0]
        for word, factor in zip(words[1:], self._factors[1:], strict=False):
            total = total + word * factor
        return total

    def number(self, digests: npt.NDArray[np.uint64], name: _Namer) -> npt.NDArray[np.int32]:
        """The number of the stream of each row; new ones are named by their first row. -1 beyond 100 000 streams."""
        places = np.searchsorted(self._known, digests)
        places[places == len(self._known)] = 0
        if not len(self._known) or (self._known[places] != digests).any():
            self._learn(digests, name)
            places = np.minimum(np.searchsorted(self._known, digests), len(self._known) - 1)
            return np.where(self._known[places] == digests, self._numbers[places], np.int32(-1))
        return self._numbers[places]

    def _learn(self, digests: npt.NDArray[np.uint64], name: _Namer) -> None:
        fresh = np.flatnonzero(~np.isin(digests, self._known))
        found, first = np.unique(digests[fresh], return_index=True)
        order = np.argsort(first)[: MOST_STREAMS - len(self.streams)]
        start = len(self.streams)
        self.streams.extend(name(int(fresh[first[index]])) for index in order)
        known = np.concatenate([self._known, found[order]])
        numbers = np.concatenate([self._numbers, np.arange(start, len(self.streams), dtype=np.int32)])
        sorting = np.argsort(known)
        self._known, self._numbers = known[sorting], numbers[sorting]
