"""The pytest plugin of the suites: `pytest conformance/suites --declaration FILE`."""

from __future__ import annotations

#: The hooks, and fixtures of every role.
COMMON = ("conformance.plugin.hooks", "conformance.plugin.fixtures")
#: Modules with the fixtures of one role.
OF_ROLE = {
    "camera": "conformance.plugin.onvif_fixtures",
    "cloud_storage": "conformance.plugin.storage_fixtures",
    "platform": "conformance.plugin.platform_fixtures",
    "streams": "conformance.plugin.stream_fixtures",
}
PLUGINS = (*COMMON, *OF_ROLE.values())
