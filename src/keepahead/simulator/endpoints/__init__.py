"""The paths of the simulated Keepa: each reads its parameters, then runs, and says what it costs."""
