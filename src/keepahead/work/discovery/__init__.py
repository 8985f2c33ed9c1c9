"""Discovery: from a category, a rank and a price to products with details, by the cheapest road."""
