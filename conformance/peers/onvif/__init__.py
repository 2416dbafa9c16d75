"""Parties that an ONVIF device meets: its client, who searches for devices, who receives its events."""
