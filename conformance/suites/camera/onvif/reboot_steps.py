"""Rebooting a device by ONVIF and waiting for it."""

from __future__ import annotations

from conformance.model.checks import Checks, say
from conformance.peers.onvif.answer import Answer
from conformance.peers.onvif.onvif import PROBE, Onvif, OnvifDown
from specs.model import Limit

GONE = say("设备服务中断", "the service goes away")
BACK = say("设备服务在声明的时间内恢复", "the service is back within the declared time")


async def gone(onvif: Onvif, within: Limit) -> bool:
    """Whether the device stops answering, watched for ``within``."""
    until = onvif.wire.now() + within.seconds
    step = onvif.limits["listening_step"].seconds
    while onvif.wire.now() < until:
        if (await onvif.alive()).http is None:
            return True
        await onvif.wire.sleep(step)
    return False


async def back(onvif: Onvif, seconds: float) -> bool:
    """Whether the device answers within a time; its clock is asked for again."""
    try:
        await onvif.settle(seconds)
    except OnvifDown:
        return False
    await onvif.client.synchronize()
    return True


async def rebooted(onvif: Onvif, check: Checks, requirement: str, gone_wait: Limit) -> bool:
    """Reboot, see the service go and come back within the declared time."""
    answer = await onvif.call("device", "SystemReboot")
    if not check.true(requirement, answer.ok, "SystemRebootResponse", answer.summary, "SystemReboot"):
        return False
    check.true(
        requirement, bool(answer.value("Message")), say("不为空", "not empty"), answer.value("Message"), "Message"
    )
    went = await gone(onvif, gone_wait)
    check.true(requirement, went, GONE, say("一直在应答", "it went on answering") if not went else GONE)
    seconds = onvif.declared.reboot_time
    came = await back(onvif, seconds)
    return check.true(
        requirement, came, BACK, say("没有恢复", "it is not back") if not came else BACK, f"{seconds:g} s"
    )


async def information(onvif: Onvif) -> Answer:
    """GetDeviceInformation, after a reboot asked until the login works."""
    return await onvif.call(*PROBE)
