"""What the simulated Keepa sells: products, offers, sellers and their series, all from one seed."""
