"""How fast completes come, and how sure that is: hypotheses weighed by how well they forecast."""
