"""What a peer raises when the device does not play along. The plugin turns these into verdicts."""

from __future__ import annotations

from specs.model import Text


class DeviceFault(Exception):
    """The device under test closed, fell silent or answered nonsense. ``text`` says so in both languages."""

    def __init__(self, zh: str, en: str) -> None:
        self.text = Text(zh=zh, en=en)
        super().__init__(en)


class NoAnswer(DeviceFault):
    """No answer within the time allowed."""

    def __init__(self, what: str, seconds: float) -> None:
        self.what = what
        self.seconds = seconds
        super().__init__(f"{seconds:g} 秒内没有 {what}", f"no {what} within {seconds:g} s")


class DeviceClosed(DeviceFault):
    """The device closed the connection. ``last_bytes``: what it sent last, at most 256 bytes."""

    def __init__(self, what: str, last_bytes: bytes) -> None:
        self.last_bytes = last_bytes
        shown = last_bytes[-64:].hex(" ") or "-"
        super().__init__(
            f"等待 {what} 时设备关闭了连接；最后收到的字节: {shown}",
            f"the device closed the connection while {what} was awaited; last bytes: {shown}",
        )


class Offline(DeviceFault):
    """The device is not connected to the platform."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"设备 {seconds:g} 秒内未上线", f"the device did not come online within {seconds:g} s")


class DeviceTerminated(DeviceFault):
    """What the test sent has ended the device: it answers nobody any more."""


class BenchFault(Exception):
    """The test bench itself cannot do what is asked: a lab fault, never the device's."""

    def __init__(self, zh: str, en: str) -> None:
        self.text = Text(zh=zh, en=en)
        super().__init__(en)
