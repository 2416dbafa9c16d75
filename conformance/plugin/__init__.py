"""The pytest plugin of the suites: `pytest conformance/suites --declaration FILE`."""

from __future__ import annotations

#: The modules that make up the plugin: the hooks first, then the fixtures of every role.
PLUGINS = (
    "conformance.plugin.hooks",
    "conformance.plugin.fixtures",
    "conformance.plugin.onvif_fixtures",
    "conformance.plugin.platform_fixtures",
    "conformance.plugin.storage_fixtures",
    "conformance.plugin.stream_fixtures",
)
