"""Everything that can go wrong on the wire, as small classes that explain themselves in Chinese and English."""

from __future__ import annotations

from typing import ClassVar

LAST_BYTES = 256


class WireError(Exception):
    """Root of all wire errors. ``explain("zh")`` and ``explain("en")`` give one sentence; ``str()`` is English."""

    texts: ClassVar[dict[str, str]] = {"en": "{detail}", "zh": "{detail}"}

    def __init__(self, **facts: object) -> None:
        self.facts = facts
        super().__init__(self.explain("en"))

    def explain(self, language: str = "en") -> str:
        return self.texts.get(language, self.texts["en"]).format(**self.facts)


class Expired(WireError):
    """A wait took longer than it may. ``seconds`` is the time allowed, ``what`` says what was waited for."""

    texts = {"en": "nothing after {seconds:g} s while waiting for {what}", "zh": "等待 {what} 超过 {seconds:g} 秒"}

    def __init__(self, seconds: float, what: str = "") -> None:
        self.seconds = seconds
        self.what = what or "an event"
        super().__init__(seconds=seconds, what=self.what)


class Refused(WireError):
    """No connection, or no socket: refused, unreachable, name not found, address in use."""

    texts = {"en": "{label}: {host}:{port} refused: {reason}", "zh": "{label}：无法连接 {host}:{port}：{reason}"}

    def __init__(self, label: str, host: str, port: int, reason: str) -> None:
        self.label, self.host, self.port, self.reason = label, host, port, reason
        super().__init__(label=label, host=host, port=port, reason=reason)


class TlsFailed(Refused):
    """The TCP connection stood but the TLS handshake failed."""

    texts = {
        "en": "{label}: TLS handshake with {host}:{port} failed: {reason}",
        "zh": "{label}：与 {host}:{port} 的 TLS 握手失败：{reason}",
    }


class Reset(WireError):
    """The peer dropped the connection without ending it properly. ``last_bytes``: up to 256 bytes received before."""

    texts = {
        "en": "{label}: connection dropped ({reason}); last bytes received: {last_bytes!r}",
        "zh": "{label}：连接被异常中断（{reason}）；最后收到的字节：{last_bytes!r}",
    }

    def __init__(self, last_bytes: bytes = b"", label: str = "stream", reason: str = "reset") -> None:
        self.last_bytes = bytes(last_bytes[-LAST_BYTES:])
        self.label, self.reason = label, reason
        super().__init__(label=label, reason=reason, last_bytes=self.last_bytes)


class Closed(WireError):
    """Our own side has closed this stream, socket or the whole wire."""

    texts = {"en": "{label} is closed", "zh": "{label} 已关闭"}

    def __init__(self, label: str) -> None:
        self.label = label
        super().__init__(label=label)


class Misuse(WireError):
    """The calling code broke a rule of the wire, such as two readers on one stream."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail=detail)


class CallFailed(WireError):
    """A blocking client raised instead of reporting in ``Exchange.error``."""

    texts = {"en": "{label}: the call failed: {reason}", "zh": "{label}：调用失败：{reason}"}

    def __init__(self, label: str, reason: str) -> None:
        self.label, self.reason = label, reason
        super().__init__(label=label, reason=reason)


class EvidenceError(WireError):
    """Evidence cannot be written (disk full, no rights, file exists). What was written before stays readable."""

    texts = {"en": "evidence cannot be written to {path}: {reason}", "zh": "无法写入证据文件 {path}：{reason}"}

    def __init__(self, path: object, reason: str) -> None:
        self.path, self.reason = str(path), reason
        super().__init__(path=self.path, reason=reason)


class TapeError(WireError):
    """The file is not a tape of ours, or is damaged before its first event."""

    texts = {"en": "{path} is not a readable tape: {reason}", "zh": "{path} 不是可读的记录：{reason}"}

    def __init__(self, path: object, reason: str) -> None:
        self.path, self.reason = str(path), reason
        super().__init__(path=self.path, reason=reason)


class NotOnTape(WireError):
    """The code asks for something the recording does not hold: only the device itself can answer."""

    texts = {"en": "the recording does not hold: {what}", "zh": "记录中没有：{what}，需要真实设备"}

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(what=what)


class Diverged(WireError):
    """The code sends other bytes than recorded.

    offset: position of the first difference in the outbound bytes of this channel, 0-based.
    recorded, produced: the two byte strings of the write (or datagram) in which they differ.
    """

    texts = {
        "en": "{where}: differs from the recording at byte {offset}: recorded {recorded!r}, now {produced!r}",
        "zh": "{where}：从第 {offset} 字节起与记录不同：记录为 {recorded!r}，现为 {produced!r}",
    }

    def __init__(self, where: str, offset: int, recorded: bytes, produced: bytes) -> None:
        self.where, self.offset, self.recorded, self.produced = where, offset, bytes(recorded), bytes(produced)
        super().__init__(where=where, offset=offset, recorded=self.recorded, produced=self.produced)


class DeviceBusy(WireError):
    """Another run holds this device. ``pid`` of the holder (0 = unknown), ``since``: ISO 8601 UTC start of that run."""

    texts = {
        "en": "device {device} is in use by another run (process {pid}, since {since})",
        "zh": "设备 {device} 正被另一次测试占用（进程 {pid}，开始于 {since}）",
    }

    def __init__(self, device: str, pid: int, since: str) -> None:
        self.device, self.pid, self.since = device, pid, since
        super().__init__(device=device, pid=pid, since=since)


class BackgroundFailure(WireError):
    """Tasks of ``spawn`` or of a listener failed and nobody took notice. ``failures``: (task name, exception)."""

    texts = {"en": "background tasks failed: {summary}", "zh": "后台任务失败：{summary}"}

    def __init__(self, failures: tuple[tuple[str, BaseException], ...]) -> None:
        self.failures = failures
        super().__init__(summary="; ".join(f"{name}: {type(error).__name__}: {error}" for name, error in failures))
