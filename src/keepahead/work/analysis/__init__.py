"""What one product is worth buying for: figures, fees, scores, a recommendation. Pure; every formula: docs/analysis.md."""
