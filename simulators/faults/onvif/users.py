"""Faults of users, their levels and passwords."""

from __future__ import annotations

from simulators.camera.camera import Camera
from simulators.camera.onvif.device import DeviceService
from simulators.camera.onvif.device_users import PROHIBITED
from simulators.camera.onvif.server import OnvifService
from simulators.camera.onvif.service import Call, OnvifFault, invalid, tt
from simulators.camera.onvif.state import User
from simulators.faults.onvif.parts import face_with
from simulators.faults.registry import mutant
from specs.onvif_operations import OnvifOperation


class _Telling(DeviceService):
    async def on_GetUsers(self, call: Call) -> str:
        told = await super().on_GetUsers(call)
        return told.replace("</tt:Username>", "</tt:Username>" + tt("Password", self.state.users[0].password))


@mutant(violates="ONV-USR-01")
class PasswordsTold(Camera):
    """GetUsers tells the passwords."""

    zh = "GetUsers 给出密码。"
    onvif_class = face_with(_Telling)


@mutant(violates="ONV-USR-02")
class EveryoneAdministers(Camera):
    """Whoever has logged in may do everything."""

    zh = "登录即可执行一切操作，不看级别。"

    class onvif_class(OnvifService):
        def permit(self, operation: OnvifOperation, user: User | None) -> None:
            if user is None:
                super().permit(operation, user)


class _OneByOne(DeviceService):
    async def on_CreateUsers(self, call: Call) -> str:
        known = {user.name for user in self.state.users}
        made = [self.read_user(node) for node in call.node.all("User")]
        if not known & {user.name for user in made}:
            return await super().on_CreateUsers(call)
        self.keep([*self.state.users, *(user for user in made if user.name not in known)])
        raise OnvifFault(*PROHIBITED, "ter:UsernameClash", reason="The user exists already")


@mutant(violates="ONV-USR-03")
class UsersOneByOne(Camera):
    """Users of a list are created one by one until a name is taken."""

    zh = "逐个创建列表中的用户，直到遇到重名。"
    onvif_class = face_with(_OneByOne)


class _KeepsPasswords(DeviceService):
    async def on_SetUser(self, call: Call) -> str:
        before = {user.name: user.password for user in self.state.users}
        await super().on_SetUser(call)
        for user in self.state.users:
            user.password = before[user.name]
        self.save()
        return ""


@mutant(violates="ONV-USR-04")
class PasswordNotChanged(Camera):
    """SetUser changes the level only; the old password stays good."""

    zh = "SetUser 只改级别，旧密码仍然有效。"
    onvif_class = face_with(_KeepsPasswords)


class _DeletesInPart(DeviceService):
    async def on_DeleteUsers(self, call: Call) -> str:
        gone = [node.text.strip() for node in call.node.all("Username")]
        known = {user.name for user in self.state.users}
        if set(gone) <= known:
            return await super().on_DeleteUsers(call)
        self.keep([user for user in self.state.users if user.name not in gone])
        raise invalid("UsernameMissing", "There is no such user")


@mutant(violates="ONV-USR-05")
class DeletedInPart(Camera):
    """A list with an unknown user is refused, but the others are deleted."""

    zh = "列表含未知用户时虽被拒绝，其余用户已被删除。"
    onvif_class = face_with(_DeletesInPart)


class _NamedNobody(DeviceService):
    def check_level(self, level: str) -> None:
        if level != "Anonymous":
            super().check_level(level)


@mutant(violates="ONV-USR-06")
class AnonymousUser(Camera):
    """A user of the level Anonymous can be created."""

    zh = "可以创建 Anonymous 级别的用户。"
    onvif_class = face_with(_NamedNobody)


class _NobodyStays(DeviceService):
    def keep(self, users: list[User]) -> None:
        self.state.users = users
        self.save()


@mutant(violates="ONV-USR-07")
class LastAdministratorGoes(Camera):
    """The last administrator can be deleted."""

    zh = "最后一个管理员可以被删除。"
    onvif_class = face_with(_NobodyStays)
