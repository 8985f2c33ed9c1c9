"""Deliberate bugs, by the room in which they are planted."""
