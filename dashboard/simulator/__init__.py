"""A simulated Cint Exchange over real HTTP, for the demo, the tests and the benchmarks.

The way of the data: genesis (a world with a past) → life (respondents, rules of the exchange)
→ figures (what the numbers mean) → operations (the answers of the Demand API) → app (who may
ask, faults, journal) → server (bytes on a socket). Nothing here is shared with the client.
"""
