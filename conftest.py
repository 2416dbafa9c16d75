"""Registers the plugin, nothing else."""

from conformance.plugin import PLUGINS

pytest_plugins = PLUGINS
