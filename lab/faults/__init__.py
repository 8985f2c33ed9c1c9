"""Real faults on real parts: processes, both databases, a network; what was promised, and what happened."""
