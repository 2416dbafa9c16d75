"""Faults of WS-Discovery."""

from __future__ import annotations

from dataclasses import replace

from conformance.protocols import ws_discovery
from conformance.protocols.ws_discovery import Message, Target
from simulators.camera.camera import Camera
from simulators.camera.onvif.discovery import Address, Discovery
from simulators.faults.onvif.parts import face_with
from simulators.faults.registry import mutant


class _Unrelated(Discovery):
    def answer(self, asked: Message) -> bytes:
        return super().answer(replace(asked, message_id=self.message_id()))


@mutant(violates="ONV-DIS-01")
class UnrelatedMatches(Camera):
    """RelatesTo of ProbeMatches names another message than the Probe."""

    zh = "ProbeMatches 的 RelatesTo 与请求不符。"
    onvif_class = face_with(discovery=_Unrelated)


class _DeafToTheGroup(Discovery):
    def received(self, data: bytes, source: Address, *, group: bool) -> None:
        if not group:
            super().received(data, source, group=group)


@mutant(violates="ONV-DIS-02")
class DeafToTheGroup(Camera):
    """Probes to the group are not heard."""

    zh = "不处理组播 Probe。"
    onvif_class = face_with(discovery=_DeafToTheGroup)


class _AnswersAll(Discovery):
    def fits(self, asked: Message) -> bool:
        return True


@mutant(violates="ONV-DIS-03")
class EveryProbeMatches(Camera):
    """Probes are answered whatever types and scopes they ask for."""

    zh = "不论类型与范围，一律作答。"
    onvif_class = face_with(discovery=_AnswersAll)


class _AnyAction(Discovery):
    def read(self, data: bytes) -> Message | None:
        return ws_discovery.read(data)


@mutant(violates="ONV-DIS-04")
class AnyActionAnswered(Camera):
    """A Probe is answered even where its action or its MessageID is wrong or missing."""

    zh = "动作错误或缺少 MessageID 的 Probe 也被应答。"
    onvif_class = face_with(discovery=_AnyAction)


class _OldScopes(Discovery):
    def target(self) -> Target:
        told = super().target()
        return replace(told, scopes=told.scopes[:-1])


@mutant(violates="ONV-DIS-05")
class OldScopesTold(Camera):
    """ProbeMatches lacks a scope that GetScopes tells."""

    zh = "ProbeMatches 缺少 GetScopes 中的一个范围。"
    onvif_class = face_with(discovery=_OldScopes)


class _NeverHidden(Discovery):
    def listens(self, group: bool) -> bool:
        return True


@mutant(violates="ONV-DIS-06")
class NeverHidden(Camera):
    """Probes to the group are answered in the mode NonDiscoverable as well."""

    zh = "NonDiscoverable 模式下仍回答组播 Probe。"
    onvif_class = face_with(discovery=_NeverHidden)
