"""Users of the device service. A list is taken as a whole or not at all; one administrator always stays."""

from __future__ import annotations

import msgspec

from conformance.protocols.soap import element
from conformance.protocols.xml_names import Node
from simulators.camera.onvif.service import RECEIVER, SENDER, Call, OnvifFault, Service, invalid, tt
from simulators.camera.onvif.state import LEVELS, User

MOST_USERS = 8
LONGEST = 32
PROHIBITED = (SENDER, "ter:OperationProhibited")


class DeviceUsers(Service):
    """Create, change and delete users."""

    async def on_GetUsers(self, call: Call) -> str:
        """Names and levels, never a password."""
        users = (tt("Username", user.name) + tt("UserLevel", user.level) for user in self.state.users)
        return "".join(element("tds:User", told) for told in users)

    async def on_CreateUsers(self, call: Call) -> str:
        """More users."""
        made = [self.read_user(node) for node in call.node.all("User")]
        names = [user.name for user in [*self.state.users, *made]]
        if len(set(names)) != len(names):
            raise OnvifFault(*PROHIBITED, "ter:UsernameClash", reason="The user exists already")
        if len(names) > MOST_USERS:
            raise OnvifFault(RECEIVER, "ter:Action", "ter:TooManyUsers", reason=f"At most {MOST_USERS} users")
        self.keep([*self.state.users, *made])
        return ""

    def read_user(self, node: Node) -> User:
        """A user that may be created. Raises OnvifFault."""
        user = User(node.value("Username") or "", node.value("Password") or "", node.value("UserLevel") or "")
        if not user.name:
            raise OnvifFault(*PROHIBITED, "ter:UsernameTooShort", reason="A user has a name")
        if len(user.name) > LONGEST:
            raise OnvifFault(*PROHIBITED, "ter:UsernameTooLong", reason=f"At most {LONGEST} characters")
        self.check_password(user.password)
        self.check_level(user.level)
        return user

    def check_password(self, password: str) -> None:
        """Raises OnvifFault for a password that is too long or missing."""
        if len(password) > LONGEST:
            raise OnvifFault(*PROHIBITED, "ter:PasswordTooLong", reason=f"At most {LONGEST} characters")
        if not password:
            raise OnvifFault(*PROHIBITED, "ter:Password", reason="A user has a password")

    def check_level(self, level: str) -> None:
        """Raises OnvifFault for a level that nobody can have."""
        if level == "Anonymous":
            raise OnvifFault(*PROHIBITED, "ter:AnonymousNotAllowed", reason="Nobody logs in as Anonymous")
        if level not in LEVELS:
            raise invalid("", f"There is no level {level[:30]!r}")

    async def on_SetUser(self, call: Call) -> str:
        """Other passwords and levels."""
        changed = {user.name: user for user in self.state.users}
        for node in call.node.all("User"):
            old = changed.get(node.value("Username") or "")
            if old is None:
                raise invalid("UsernameMissing", "There is no such user")
            level = node.value("UserLevel") or ""
            self.check_level(level)
            password = node.value("Password")
            if password is not None:
                self.check_password(password)
            kept = old.password if password is None else password
            changed[old.name] = msgspec.structs.replace(old, password=kept, level=level)
        self.keep(list(changed.values()))
        return ""

    async def on_DeleteUsers(self, call: Call) -> str:
        """Fewer users."""
        gone = [node.text.strip() for node in call.node.all("Username")]
        known = {user.name: user for user in self.state.users}
        if any(name not in known for name in gone):
            raise invalid("UsernameMissing", "There is no such user")
        if any(known[name].fixed for name in gone):
            raise invalid("FixedUser", "This user stays")
        self.keep([user for user in self.state.users if user.name not in gone])
        return ""

    def keep(self, users: list[User]) -> None:
        """Keep the list. Raises OnvifFault where no administrator would be left."""
        if not any(user.level == "Administrator" for user in users):
            raise invalid("FixedUser", "One administrator stays")
        self.state.users = users
        self.save()
