"""The gateway: keepahead behind HTTP, one door for every program that spends tokens."""
