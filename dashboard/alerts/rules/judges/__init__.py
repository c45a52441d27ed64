"""The rules' judgements: pure functions of a group's figures, one file a kind of trouble."""
