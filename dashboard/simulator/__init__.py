"""A simulated Cint Exchange over real HTTP, for the demo, the tests and the benchmarks.

How data flows: seed (a world with a past) → respondents and rules → figures (what the numbers
mean) → operations (the answers of the Demand API) → exchange (credentials, faults, journal) →
http (bytes on a socket). It shares no code with the client.
"""
