"""Registers the plugin, nothing else."""

pytest_plugins = ("conformance.plugin.hooks", "conformance.plugin.fixtures", "conformance.plugin.storage_fixtures")
