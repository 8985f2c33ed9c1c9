"""Alerts: rules over what the ledger says, who is told, and how it gets there."""
