"""The field, side by side: the same work sent by other programs' ways and by ours, against one fake Keepa."""
