"""Outgoing connections: checked addresses, deadlines, proxies and TLS, without Django."""
