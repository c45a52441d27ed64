"""The operations of the contract by area, one method each, named after its operationId."""
