"""The laws beside the floor: what becomes of answers, of those who wait, of Keepa's patience, of sums and of errors."""
