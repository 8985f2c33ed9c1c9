"""GET /category: nodes of the tree, and the objects that the category search shares."""

from typing import Any

from keepahead.simulator.catalogue.catalogue import Catalogue
from keepahead.simulator.catalogue.taxonomy import Node, id_from, id_in, root_of, roots, tree
from keepahead.simulator.endpoints.moment import Execute, Moment
from keepahead.simulator.request import Outcome, Params, RejectedError


def category(params: Params) -> Execute:
    """Read a category request; what it returns executes it."""
    domain, parents = params.domain(), params.flag("parents")
    names = params.items("category", 10)
    if not all(name.isdigit() for name in names):
        raise RejectedError("Parameter category is not a number.")
    if names == ["0"]:
        chosen = [root.cat_id for root in roots()]
    else:
        chosen = [plain for name in names if (plain := id_from(domain, int(name))) is not None]

    def execute(moment: Moment) -> Outcome:
        return Outcome(1, lambda: category_body(moment.catalogue, domain, chosen, parents=parents))

    return execute


def category_body(catalogue: Catalogue, domain: int, chosen: list[int], *, parents: bool) -> dict[str, Any]:
    """Return the categories with these ids (domain 1's), and with `parents` everything above them."""
    nodes = [tree().nodes[cat_id] for cat_id in chosen]
    body = {"categories": {str(id_in(domain, node.cat_id)): _object(catalogue, domain, node) for node in nodes}}
    if parents:
        above = {cat_id for node in nodes for cat_id in node.path[:-1]}
        body["categoryParents"] = {
            str(id_in(domain, cat_id)): _object(catalogue, domain, tree().nodes[cat_id]) for cat_id in sorted(above)
        }
    return body


def _counts(catalogue: Catalogue, domain: int) -> dict[int, int]:
    """Return how many products lie below each node of a domain."""

    def make() -> dict[int, int]:
        counts = dict.fromkeys(tree().nodes, 0)
        for number, indexes in catalogue.index(domain).items():
            leaves: dict[int, int] = {}
            for index in indexes:
                leaf = catalogue.traits(index, domain).leaf.cat_id
                leaves[leaf] = leaves.get(leaf, 0) + 1
            for leaf, count in leaves.items():
                for cat_id in tree().nodes[leaf].path:
                    counts[cat_id] += count
            counts.setdefault(roots()[number].cat_id, 0)
        return counts

    return catalogue.remember(("counts", domain), make)


def _object(catalogue: Catalogue, domain: int, node: Node) -> dict[str, Any]:
    root = root_of(node)
    children = [id_in(domain, child) for child in node.children]
    return {
        "domainId": domain,
        "catId": id_in(domain, node.cat_id),
        "name": node.name,
        "parent": id_in(domain, node.path[-2]) if len(node.path) > 1 else 0,
        "children": children or None,
        "isBrowseNode": True,
        "websiteDisplayGroup": root.group if len(node.path) == 1 else None,
        "productCount": _counts(catalogue, domain)[node.cat_id],
        "highestRank": root.ranks,
        "lowestRank": 1,
    }
