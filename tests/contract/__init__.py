"""The published contract of the exchange and checks against it."""
