"""Adapters for platforms whose client interface is another: each operation is mapped to theirs and the answer back.

A vendor ships a package with an entry point in the group ``kandian.client_adapters``; the declaration names it under
``platform.adapter``. Nothing is judged inside an adapter: what it makes of an answer is held against the document.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import Any, Protocol

from conformance.peers.faults import BenchFault
from conformance.protocols.http_answer import HttpAnswer
from conformance.protocols.raw_request import RawRequest
from specs.client_api import Operation

GROUP = "kandian.client_adapters"


class Adapter(Protocol):
    """What an entry point names: a class that is made without arguments, once for each phone."""

    def outgoing(self, operation: Operation, path: Mapping[str, str], request: RawRequest) -> RawRequest:
        """The vendor's request for an operation. ``path``: parameters of its path; ``request``: in the neutral form."""

    def incoming(self, operation: Operation, answer: HttpAnswer) -> HttpAnswer:
        """The answer in the neutral form."""


class Neutral:
    """The neutral interface itself: nothing is mapped."""

    def outgoing(self, operation: Operation, path: Mapping[str, str], request: RawRequest) -> RawRequest:
        """The request as it is."""
        return request

    def incoming(self, operation: Operation, answer: HttpAnswer) -> HttpAnswer:
        """The answer as it is."""
        return answer


def load_adapter(name: str) -> type[Adapter]:
    """The adapter of that name, the neutral one for an empty name. Raises BenchFault."""
    if not name:
        return Neutral
    found = {point.name: point for point in entry_points(group=GROUP)}
    if name not in found:
        known = ", ".join(sorted(found)) or "-"
        raise BenchFault(
            f"没有名为 {name} 的客户端适配器（入口点组 {GROUP}，已安装: {known}）",
            f"there is no client adapter {name} (entry points {GROUP}; installed: {known})",
        )
    try:
        adapter: Any = found[name].load()
    except (ImportError, AttributeError) as error:
        raise BenchFault(
            f"客户端适配器 {name} 无法载入: {error}", f"the client adapter {name} cannot be loaded: {error}"
        ) from error
    return adapter  # type: ignore[no-any-return]
