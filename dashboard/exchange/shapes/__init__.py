"""What the exchange sends and takes, in shapes named after the contract's schemas."""
