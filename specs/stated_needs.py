"""What a test needs and only the declaration can state; a requirement names it under ``needs``. Where it is not stated
the requirement is not selected, with the reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from specs.declaration import LoadedDeclaration, Storage
from specs.model import Text


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
    "storage.quota": StatedNeed(
        lambda loaded: _storage(loaded).quota > 0,
        Text(zh="声明中没有 storage.quota", en="the declaration states no storage.quota"),
    ),
}
