"""The exchange's answers and requests, as shapes named after the contract's schemas."""
