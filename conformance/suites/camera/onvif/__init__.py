"""ONVIF: discovery, security, device management, media, imaging, PTZ, events."""
