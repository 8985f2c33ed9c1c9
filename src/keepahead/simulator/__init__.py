"""Our own Keepa, written from the protocol sheet; imports no floor."""
