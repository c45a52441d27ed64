"""What the panels of a group's page show, one module a panel; templates only print."""
