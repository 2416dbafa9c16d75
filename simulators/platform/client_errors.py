"""The one list of errors of the client interface."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ClientError:
    """One error. ``code``: its number; ``status``: the HTTP status that goes with it."""

    code: int
    status: int
    zh: str
    en: str


ERRORS = {
    "bad_request": ClientError(40000, 400, "请求内容不符合接口定义", "The request does not fit the definition"),
    "downgrade": ClientError(40001, 400, "目标版本低于现有版本", "The version is older than the one installed"),
    "no_session": ClientError(40100, 401, "未登录", "Nobody is logged in"),
    "bad_credentials": ClientError(40101, 401, "帐号或口令错误", "Wrong account or password"),
    "session_invalid": ClientError(40102, 401, "会话无效", "The session is not valid"),
    "session_expired": ClientError(40103, 401, "会话已过期，请续期", "The session has expired; renew it"),
    "bad_signature": ClientError(40104, 401, "签名错误", "Wrong check sum"),
    "skew": ClientError(40105, 401, "时间超出允许范围", "The time lies outside the window"),
    "replay": ClientError(40106, 401, "随机数重复", "The nonce was used before"),
    "forbidden": ClientError(40300, 403, "没有权限", "Not allowed"),
    "suspended": ClientError(40301, 403, "帐号已停机", "The account is suspended"),
    "wrong_key": ClientError(40302, 403, "设备密钥错误", "Wrong device key"),
    "not_found": ClientError(40400, 404, "对象不存在", "There is no such thing"),
    "bad_method": ClientError(40500, 405, "不支持的方法", "The method is not supported"),
    "device_taken": ClientError(40900, 409, "设备已被其他帐号绑定", "The device belongs to another account"),
    "device_offline": ClientError(40901, 409, "设备不在线", "The device is offline"),
    "too_large": ClientError(41300, 413, "请求过大", "The request is too large"),
    "not_json": ClientError(41500, 415, "请求须为 JSON", "The body has to be JSON"),
    "client_too_old": ClientError(42600, 426, "客户端版本过低，请升级", "The client is too old; upgrade it"),
    "locked": ClientError(42900, 429, "尝试过多，请稍后再试", "Too many attempts; try again later"),
    "internal": ClientError(50000, 500, "平台内部错误", "The platform failed"),
    "device_refused": ClientError(50200, 502, "设备拒绝执行", "The device refused"),
    "storage_down": ClientError(50300, 503, "云存储暂不可用", "The cloud storage is out of reach"),
    "device_timeout": ClientError(50400, 504, "设备无应答", "The device did not answer"),
}


def error_body(name: str, detail: str = "") -> dict[str, Any]:
    """The body of an error answer."""
    error = ERRORS[name]
    body: dict[str, Any] = {"code": error.code, "name": name, "message": {"zh": error.zh, "en": error.en}}
    return body | ({"detail": detail} if detail else {})
