"""Statistics of RTP streams over captures and arrays (RFC 3550 6.4.1, A.1, A.3, A.8), the numpy way."""
