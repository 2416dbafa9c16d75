"""The ONVIF face of the golden camera: same state as its face to the platform, another language."""
