"""The typed client of the exchange's Demand API: HTTP in, shapes and errors out, no Django.

client.py ── operations/ ── decode.py ── shapes/      requests, and the shapes of answers
    │
http/transport.py ── auth.py, http/                    token, addresses, deadline, retries
    │
limits/                                                request budget and circuit breaker
"""
