"""What price meets the deadline: how completes follow CPI, and the cheapest way to the goal."""
