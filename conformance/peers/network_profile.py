"""The network that a run goes over, and a bad one made on purpose: delay, jitter and loss in a network namespace.

``python -m conformance.peers.network_profile kandian certify ...`` runs a command with everything that it starts in a
namespace of its own, whose loopback is impaired as BIZ-KPI-08 says, one way. It ends with its last process; the network
of the host is not touched. The platform must be in there too: a simulator, or a lab that is started by the command.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from conformance.wire import Wire
from specs.loader import load_catalogue
from specs.model import Limit
from specs.stated_needs import IMPAIRED, NETWORK_VARIABLE

DIRECT = "direct"
_NEW_NETWORK = 0x40000000  # CLONE_NEWNET of unshare(2)
_NOT_POSSIBLE = 77
_LONGEST_QUEUE = "100000"


class NotPermitted(RuntimeError):
    """The namespace cannot be made here; the text says why, in both languages."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.zh, self.en = zh, en


@dataclass(frozen=True, slots=True)
class Impairment:
    """What a network does to packets, one way. ``latency``, ``jitter``: milliseconds; ``loss``: share of packets."""

    latency: float
    jitter: float
    loss: float

    @classmethod
    def of(cls, limits: Mapping[str, Limit]) -> Impairment:
        """The worst network that a requirement allows."""
        return cls(limits["latency"].number, limits["jitter"].number, limits["loss"].number)

    def netem(self) -> tuple[str, ...]:
        """The queueing discipline, as arguments of ``tc qdisc add dev DEVICE root``."""
        delay = ("delay", f"{self.latency:g}ms", f"{self.jitter:g}ms", "distribution", "normal")
        return ("netem", "limit", _LONGEST_QUEUE, *delay, "loss", "random", f"{self.loss * 100:g}%")


def network_profile(wire: Wire) -> str:
    """Name of the network that figures were measured over; on the tape."""
    name: str = wire.fact("network profile", lambda: os.environ.get(NETWORK_VARIABLE, DIRECT))
    return name


def enter(impairment: Impairment) -> None:
    """Take this process, and what it starts from now on, into a new namespace with an impaired loopback.

    Raises NotPermitted. Call it before there are threads.
    """
    for tool in ("ip", "tc"):
        if shutil.which(tool) is None:
            raise NotPermitted(f"缺少命令 {tool}（iproute2）", f"the command {tool} (iproute2) is missing")
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_NEW_NETWORK) != 0:
        reason = os.strerror(ctypes.get_errno())
        raise NotPermitted(
            f"不允许创建网络命名空间（需要 CAP_SYS_ADMIN）: {reason}",
            f"no network namespace may be made (it needs CAP_SYS_ADMIN): {reason}",
        )
    _configure("ip", "link", "set", "lo", "up")
    _configure("tc", "qdisc", "add", "dev", "lo", "root", *impairment.netem())


def _configure(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip()[-200:]
        raise NotPermitted(
            f"无法设置受损网络（需要 CAP_NET_ADMIN 与内核模块 sch_netem）: {said}",
            f"the impaired network cannot be set up (it needs CAP_NET_ADMIN and the module sch_netem): {said}",
        )


def main(arguments: Sequence[str]) -> int:
    """Run a command in the impaired network; 77 where that is not possible."""
    if not arguments:
        sys.stderr.write(f"{(__doc__ or '').splitlines()[2]}\n")
        return 2
    try:
        enter(Impairment.of(load_catalogue().requirement("BIZ-KPI-08").limits))
    except NotPermitted as reason:
        sys.stderr.write(f"NOT_SELECTED: {reason.zh} / {reason.en}\n")
        return _NOT_POSSIBLE
    environment = {**os.environ, NETWORK_VARIABLE: IMPAIRED}
    return subprocess.run(list(arguments), env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
