"""Fieldwatch: a dashboard that watches survey target groups on the Cint Exchange."""
