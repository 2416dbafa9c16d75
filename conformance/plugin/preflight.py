"""Before the first verdict: is it the lab or the device? A fault found here blocks the run, it fails nobody."""

from __future__ import annotations

from urllib.parse import urlsplit

from conformance.peers.bench import Bench
from conformance.peers.benches import AnyBench
from conformance.peers.faults import BenchFault, Offline
from conformance.wire import Expired, Refused


async def preflight(bench: AnyBench) -> None:
    """Check address, credentials and clock. Raises BenchFault with the reason in both languages."""
    if not isinstance(bench, Bench):
        await bench.preflight()
        return
    if bench.speaks_tykd:
        await _registration(bench)
    elif bench.media_url:
        await _stream_address(bench)
    if bench.onvif.there:
        await bench.onvif.preflight()


async def _registration(bench: Bench) -> None:
    try:
        await bench.province.online()
    except Offline as offline:
        raise _why_not_online(bench, offline) from None
    link = bench.province.link
    if link is not None and link.device_id != bench.province.device_id:
        raise BenchFault(
            f"登录的设备是 {link.device_id}，声明的是 {bench.province.device_id}",
            f"the device that logged in is {link.device_id}, the declaration names {bench.province.device_id}",
        )


def _why_not_online(bench: Bench, offline: Offline) -> BenchFault:
    """The most helpful reason that the bench can give from what it has seen."""
    refused = [r for r in (*bench.registrar.received, *bench.group.received) if r.message is not None]
    for received in refused:
        assert received.message is not None
        if received.message.get("DevID") != bench.province.device_id:
            found = received.message.get("DevID")
            return BenchFault(
                f"注册的设备是 {found!r}，声明的是 {bench.province.device_id!r}",
                f"a device {found!r} registers, the declaration names {bench.province.device_id!r}",
            )
        if bench.registrar.device_key and received.message.get("DevKey") != bench.registrar.device_key:
            return BenchFault(
                "设备密钥与声明不符，请检查声明中的 key",
                "the device's key is not the declared one: check `key` in the declaration",
            )
    if not bench.group.attempts and not bench.registrar.attempts and not bench.province.links:
        return BenchFault(
            f"设备没有连接测试台（集团地址 {bench.group.url}，省平台地址 {bench.registrar.url}）",
            f"the device never contacted the bench (group {bench.group.url}, province {bench.registrar.url})",
        )
    return BenchFault(
        f"设备有连接但未完成登录: {offline.text.zh}", f"the device connects but does not complete its login: {offline}"
    )


async def _stream_address(bench: Bench) -> None:
    parts = urlsplit(bench.media_url)
    host, port = parts.hostname or "", parts.port or 554
    seconds = bench.limits["connect_wait"].seconds
    try:
        stream = await bench.wire.connect(host, port, label="preflight", within=seconds)
    except (Refused, Expired) as error:
        raise BenchFault(
            f"无法连接设备 {host}:{port}: {error.explain('zh')}", f"cannot reach the device at {host}:{port}: {error}"
        ) from None
    stream.close()
