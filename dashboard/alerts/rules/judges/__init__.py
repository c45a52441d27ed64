"""The rules' judges: pure functions of a group's snapshot, one module per kind of problem."""
