"""Amazon's marketplaces as the catalogue knows them: currency scale, how much is sold there, Amazon's own seller id."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Marketplace:
    """One domain. units_per_cent: smallest local units for one US cent; share: part of the catalogue that is listed."""

    domain: int
    units_per_cent: float
    share: float
    amazon: str
    country: str


MARKETPLACES = {
    place.domain: place
    for place in (
        Marketplace(1, 1.0, 0.62, "ATVPDKIKX0DER", "US"),
        Marketplace(2, 0.8, 0.34, "A3P5ROKL5A1OLE", "GB"),
        Marketplace(3, 0.95, 0.36, "A3JWKAKR8XB7XF", "DE"),
        Marketplace(4, 0.95, 0.28, "A1X6FK5RDHNB96", "FR"),
        Marketplace(5, 1.5, 0.25, "AN1VRQENFRJN5", "JP"),
        Marketplace(6, 1.35, 0.33, "A3DWYIK6Y9EEQB", "CA"),
        Marketplace(8, 0.95, 0.26, "A11IL2PNWYJU7H", "IT"),
        Marketplace(9, 0.95, 0.25, "A1AT7YVPFBWXBL", "ES"),
        Marketplace(10, 83.0, 0.2, "AT95IG9ONZD7S", "IN"),
        Marketplace(11, 17.0, 0.22, "AVDBXBAVVSXLQ", "MX"),
        Marketplace(12, 5.0, 0.12, "A1ZZFT5FULY4LN", "BR"),
    )
}
WAREHOUSE_SELLER = "A2L77EE7U53NWQ"
