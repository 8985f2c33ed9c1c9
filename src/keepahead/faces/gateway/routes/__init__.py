"""The routes of the gateway, a file for each noun: parse, one call below, render."""
