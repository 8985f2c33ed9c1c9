"""The live page: what is left, what it goes for, what comes; and the archive, a discovery, the alerts, the rules."""
