"""What a test needs and only the declaration can state; a requirement names it under ``needs``. Where it is not stated
the requirement is not selected, with the reason."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

from specs.declaration import LoadedDeclaration, Storage
from specs.model import Text

#: Environment variable that names the network a run goes over, and its value inside the impaired one.
NETWORK_VARIABLE, IMPAIRED = "KANDIAN_NETWORK", "impaired"


@dataclass(frozen=True, slots=True)
class StatedNeed:
    """``met``: whether a declaration states it; ``reason``: what is missing."""

    met: Callable[[LoadedDeclaration], bool]
    reason: Text


def _storage(loaded: LoadedDeclaration) -> Storage:
    return loaded.declaration.storage or Storage()


def _retention_clock(loaded: LoadedDeclaration) -> bool:
    return "clock" in loaded.declaration.controls.available or _storage(loaded).seconds_per_day > 0


STATED_NEEDS = {
    "network.impaired": StatedNeed(
        lambda loaded: os.environ.get(NETWORK_VARIABLE) == IMPAIRED,
        Text(
            zh="本次运行不在受损网络中；允许创建网络命名空间时用 python -m conformance.peers.network_profile 启动",
            en="this run is not in the impaired network; where network namespaces are permitted, start it with"
            " python -m conformance.peers.network_profile",
        ),
    ),
    "account.other": StatedNeed(
        lambda loaded: len(loaded.accounts) > 1,
        Text(
            zh="声明中只有一个帐号，需要第二个租户的帐号",
            en="the declaration has one account only; a second tenant's is needed",
        ),
    ),
    "account.principal": StatedNeed(
        lambda loaded: len(loaded.accounts) > 1 and bool(loaded.accounts[1].principal),
        Text(
            zh="声明中没有第二个租户帐号在策略中的名称 (principal)",
            en="the declaration does not say what policies call the second tenant's account (principal)",
        ),
    ),
    "account.session": StatedNeed(
        lambda loaded: any(account.token for account in loaded.accounts),
        Text(zh="声明中没有临时密钥 (token)", en="the declaration has no temporary key (an account with a token)"),
    ),
    "retention.clock": StatedNeed(
        _retention_clock,
        Text(
            zh="无法等待数日：测试台不能拨动存储的时钟 (controls: clock)，也没有声明 storage.seconds_per_day",
            en="days cannot be waited for: the bench cannot move the storage's clock (controls: clock) and no"
            " storage.seconds_per_day is declared",
        ),
    ),
    "onvif.service": StatedNeed(
        lambda loaded: loaded.declaration.onvif is not None,
        Text(
            zh="声明中没有 ONVIF 服务的地址与帐号（onvif 一节）",
            en="the declaration does not say where the ONVIF service is and who may use it (section onvif)",
        ),
    ),
    "streams.ports": StatedNeed(
        lambda loaded: bool(loaded.declaration.streams and loaded.declaration.streams.ports),
        Text(
            zh="声明中没有流服务器的其他端口 (streams.ports)", en="the declaration names no other ports (streams.ports)"
        ),
    ),
    "storage.quota": StatedNeed(
        lambda loaded: _storage(loaded).quota > 0,
        Text(zh="声明中没有 storage.quota", en="the declaration states no storage.quota"),
    ),
}
