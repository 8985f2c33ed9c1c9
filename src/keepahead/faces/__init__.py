"""Parse, call one thing below, render."""
