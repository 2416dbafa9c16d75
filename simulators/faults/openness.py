"""Faults against newer platforms."""

from __future__ import annotations

from typing import Any

from conformance.protocols.tykd_message import Message
from conformance.protocols.violation import CodecError
from simulators.camera.camera import Camera
from simulators.camera.link import Link
from simulators.faults.parts import client_with
from simulators.faults.registry import mutant


class _LinkKnowingAllElements(Link):
    async def ask(self, name: str, values: dict[str, Any], within: float) -> Message:
        answer = await super().ask(name, values, within)
        if answer.violations:
            raise CodecError(0, "tykd.element", b"", "an element that is not known")
        return answer


@mutant(violates="IF-OPN-04a")
class NewElementsAreAnError(Camera):
    """Answers with an element that is not known count as unreadable."""

    zh = "应答含未知元素时视为不可解析。"
    client_class = client_with(_LinkKnowingAllElements)
