"""Faults of the ONVIF face."""
