"""What a product is worth buying for: figures, fees, scores, a recommendation. Pure; its formulas: docs/analysis.md."""
