"""The typed client of the exchange's Demand API: HTTP in, shapes and errors out, no Django.

client.py ── operations/ ── decode.py ── shapes/      what is asked and what comes back
    │
transport.py ── auth.py, hosts.py, wire.py, retry.py   token, addresses, deadline, retries
    │
gate.py, redis_gate.py                                 the budget and the breaker of an account
"""
