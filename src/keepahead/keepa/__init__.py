"""The protocol of Keepa; everything pure but client.py."""
