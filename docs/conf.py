"""Sphinx configuration of the guides."""

project = "Kandian"
author = "The Kandian authors"
extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
html_theme = "alabaster"
