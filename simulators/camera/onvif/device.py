"""The device service: what the camera is and where its services are; its other parts are in files of their own."""

from __future__ import annotations

import uuid
from urllib.parse import quote

from conformance.protocols.soap import PREFIXES, element
from simulators.camera.onvif.device_clock import DeviceClock
from simulators.camera.onvif.device_network import DeviceNetwork
from simulators.camera.onvif.device_users import MOST_USERS, DeviceUsers
from simulators.camera.onvif.service import RECEIVER, SENDER, Call, OnvifFault, flags, invalid, tt
from simulators.camera.onvif.upgrade import DeviceUpgrade

SCOPE = "onvif://www.onvif.org/"
MOST_SCOPES = 16
#: Capabilities of ver10, in the order of the schema.
OLD_NETWORK = ("IPFilter", "ZeroConfiguration", "IPVersion6", "DynDNS")
OLD_SYSTEM = ("DiscoveryResolve", "DiscoveryBye", "RemoteDiscovery", "SystemBackup", "SystemLogging", "FirmwareUpgrade")
OLD_SECURITY = ("TLS1.1", "TLS1.2", "OnboardKeyGeneration", "AccessPolicyConfig", "X.509Token", "SAMLToken",
                "KerberosToken", "RELToken")  # fmt: skip
CATEGORIES = {"Device": "device", "Events": "events", "Imaging": "imaging", "Media": "media", "PTZ": "ptz"}


class DeviceService(DeviceClock, DeviceNetwork, DeviceUsers, DeviceUpgrade):
    """Identity, capabilities, scopes, restart."""

    key, prefix = "device", "tds"

    def address(self, key: str, call: Call) -> str:
        """Where a service is, as this client can reach it."""
        return f"http://{call.authority}/onvif/{key}_service"

    # capabilities

    async def on_GetServices(self, call: Call) -> str:
        """Every service with its address and version."""
        told = ""
        for key, service in self.face.services.items():
            inside = self.tag("Namespace", PREFIXES[service.prefix]) + self.tag("XAddr", self.address(key, call))
            if call.text("IncludeCapability") in ("true", "1"):
                inside += element("tds:Capabilities", service.capabilities())
            major, minor = service.version
            told += element("tds:Service", inside + element("tds:Version", tt("Major", major) + tt("Minor", minor)))
        return told

    def capabilities(self) -> str:
        """Network, security and system."""
        network = flags(
            IPFilter=False, ZeroConfiguration=False, IPVersion6=False, DynDNS=False, NTP=1, HostnameFromDHCP=False
        )
        algorithms = ",".join(self.face.accounts.digest.algorithms)
        security = flags(
            **{"TLS1.0": False, "TLS1.1": False, "TLS1.2": False, "X.509Token": False},
            OnboardKeyGeneration=False,
            AccessPolicyConfig=False,
            DefaultAccessPolicy=True,
            RemoteUserHandling=False,
            SAMLToken=False,
            KerberosToken=False,
            UsernameToken=True,
            HttpDigest=True,
            RELToken=False,
            MaxUsers=MOST_USERS,
            MaxUserNameLength=32,
            MaxPasswordLength=32,
            HashingAlgorithms=algorithms,
        )
        system = flags(
            DiscoveryResolve=False,
            DiscoveryBye=True,
            RemoteDiscovery=False,
            SystemBackup=False,
            SystemLogging=False,
            FirmwareUpgrade=False,
            HttpFirmwareUpgrade=True,
            HttpSystemBackup=False,
            HttpSystemLogging=False,
            HttpSupportInformation=False,
        )
        parts = {"Network": network, "Security": security, "System": system}
        return element("tds:Capabilities", "".join(element(f"tds:{n}", "", a) for n, a in parts.items()))

    async def on_GetCapabilities(self, call: Call) -> str:
        """The capabilities of ver10, by category."""
        wanted = [node.text.strip() for node in call.node.all("Category")] or ["All"]
        names = list(CATEGORIES) if "All" in wanted else wanted
        for name in names:
            if CATEGORIES.get(name) not in self.face.services:
                raise OnvifFault(RECEIVER, "ter:ActionNotSupported", "ter:NoSuchService", reason=f"There is no {name}")
        told = "".join(
            element(f"tt:{name}", tt("XAddr", self.address(key, call)) + self._of_category(name))
            for name, key in CATEGORIES.items()
            if name in names
        )
        return element("tds:Capabilities", told)

    def _of_category(self, name: str) -> str:
        if name == "Device":
            return self._old_device()
        if name == "Events":
            flags_of_events = ("WSSubscriptionPolicySupport", "WSPullPointSupport")
            told = "".join(tt(flag, flag == "WSPullPointSupport") for flag in flags_of_events)
            return told + tt("WSPausableSubscriptionManagerInterfaceSupport", False)
        if name == "Media":
            streaming = tt("RTPMulticast", False) + tt("RTP_TCP", False) + tt("RTP_RTSP_TCP", True)
            return element("tt:StreamingCapabilities", streaming)
        return ""

    def _old_device(self) -> str:
        system = "".join(tt(name, name == "DiscoveryBye") for name in OLD_SYSTEM)
        system += element("tt:SupportedVersions", tt("Major", self.version[0]) + tt("Minor", self.version[1]))
        system += element("tt:Extension", tt("HttpFirmwareUpgrade", True))
        parts = {
            "Network": "".join(tt(name, False) for name in OLD_NETWORK),
            "System": system,
            "IO": tt("InputConnectors", self.camera.digital_inputs) + tt("RelayOutputs", 0),
            "Security": "".join(tt(name, False) for name in OLD_SECURITY),
        }
        return "".join(element(f"tt:{name}", inside) for name, inside in parts.items())

    # identity

    async def on_GetDeviceInformation(self, call: Call) -> str:
        """Who made it and what runs on it."""
        camera = self.camera
        told = {
            "Manufacturer": camera.manufacturer,
            "Model": camera.model,
            "FirmwareVersion": camera.settings.version,
            "SerialNumber": camera.dev_id,
            "HardwareId": camera.model,
        }
        return "".join(self.tag(name, text) for name, text in told.items())

    async def on_GetWsdlUrl(self, call: Call) -> str:
        """Where the WSDL files are."""
        return self.tag("WsdlUrl", "http://www.onvif.org/")

    async def on_GetEndpointReference(self, call: Call) -> str:
        """The stable name of the device."""
        return self.tag("GUID", self.guid)

    @property
    def guid(self) -> str:
        """``urn:uuid:`` and a UUID that never changes."""
        return f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_DNS, self.camera.dev_id)}"

    # scopes

    def fixed_scopes(self) -> list[str]:
        """What the device is."""
        kinds = ["Profile/Streaming", "Profile/T", "type/video_encoder"]
        if self.camera.has("ptz"):
            kinds.append("type/ptz")
        named = [f"hardware/{quote(self.camera.model)}", f"name/{quote(self.camera.manufacturer or self.camera.model)}"]
        return [SCOPE + kind for kind in [*kinds, *named]]

    def scopes(self) -> list[str]:
        """Fixed ones first."""
        return [*self.fixed_scopes(), *self.state.scopes]

    async def on_GetScopes(self, call: Call) -> str:
        """All of them, with what may be changed."""
        fixed = [element("tds:Scopes", tt("ScopeDef", "Fixed") + tt("ScopeItem", s)) for s in self.fixed_scopes()]
        own = [element("tds:Scopes", tt("ScopeDef", "Configurable") + tt("ScopeItem", s)) for s in self.state.scopes]
        return "".join([*fixed, *own])

    async def on_SetScopes(self, call: Call) -> str:
        """Others in place of the configurable ones."""
        wanted = [node.text.strip() for node in call.node.all("Scopes")]
        if clash := set(wanted) & set(self.fixed_scopes()):
            raise OnvifFault(
                SENDER, "ter:OperationProhibited", "ter:ScopeOverwrite", reason=f"{clash.pop()} is a fixed scope"
            )
        self._keep_scopes(wanted)
        return ""

    async def on_AddScopes(self, call: Call) -> str:
        """More of them."""
        more = [node.text.strip() for node in call.node.all("ScopeItem")]
        self._keep_scopes([*self.state.scopes, *(s for s in more if s not in self.scopes())])
        return ""

    async def on_RemoveScopes(self, call: Call) -> str:
        """Those are told back that went."""
        gone = [node.text.strip() for node in call.node.all("ScopeItem")]
        if any(scope in self.fixed_scopes() for scope in gone):
            raise OnvifFault(SENDER, "ter:OperationProhibited", "ter:FixedScope", reason="A fixed scope stays")
        if missing := [scope for scope in gone if scope not in self.state.scopes]:
            raise invalid("NoScope", f"There is no scope {missing[0][:90]}")
        self._keep_scopes([scope for scope in self.state.scopes if scope not in gone])
        return "".join(self.tag("ScopeItem", scope) for scope in gone)

    def _keep_scopes(self, scopes: list[str]) -> None:
        if len(scopes) > MOST_SCOPES:
            raise OnvifFault(RECEIVER, "ter:Action", "ter:TooManyScopes", reason=f"At most {MOST_SCOPES} scopes")
        self.state.scopes = scopes
        self.save()
        self.face.announce("Hello")

    async def on_GetDiscoveryMode(self, call: Call) -> str:
        """Whether it answers probes."""
        return self.tag("DiscoveryMode", "Discoverable" if self.state.discoverable else "NonDiscoverable")

    async def on_SetDiscoveryMode(self, call: Call) -> str:
        """Answer probes or not."""
        self.state.discoverable = call.text("DiscoveryMode") == "Discoverable"
        self.save()
        return ""

    # restart

    async def on_SystemReboot(self, call: Call) -> str:
        """Say goodbye and restart, once the answer is out."""
        self.face.announce("Bye")
        self.camera.spawn(self.camera.restart())
        return self.tag("Message", "Rebooting")

    async def on_SetSystemFactoryDefault(self, call: Call) -> str:
        """Soft: all but the network and the users; hard: everything."""
        self.camera.factory_reset(hard=call.text("FactoryDefault") == "Hard")
        self.face.announce("Bye")
        self.camera.spawn(self.camera.restart())
        return ""
