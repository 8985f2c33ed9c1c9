"""The steps that bring a ledger from any earlier version to this one."""
