"""The figures of groups, projects and accounts: one definition and one function for each."""
