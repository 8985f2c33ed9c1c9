"""What one scrape of /metrics says, as Prometheus' own parser reads it."""

import httpx2
from prometheus_client.parser import text_string_to_metric_families


class Scraped:
    """All samples of one scrape."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.families = {family.name: family for family in text_string_to_metric_families(text)}
        self.samples = [sample for family in self.families.values() for sample in family.samples]

    def values(self, name: str, **labels: str) -> list[float]:
        """Return the values of the samples with that name and these labels."""
        return [
            sample.value for sample in self.samples if sample.name == name and labels.items() <= sample.labels.items()
        ]

    def sum(self, name: str, **labels: str) -> float:
        """Return what the samples with that name and these labels add up to."""
        return sum(self.values(name, **labels))

    def counters(self) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
        """Return whatever must not fall: counters, and the buckets and sums of histograms."""
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in self.families.values()
            if family.type in {"counter", "histogram"}
            for sample in family.samples
        }


async def scrape(client: httpx2.AsyncClient) -> Scraped:
    """Scrape a gateway."""
    answer = await client.get("/metrics")
    assert answer.status_code == 200, answer.text
    return Scraped(answer.text)
