# ruff: noqa: E501  (the table of roots)
"""The category trees: a dozen roots with their branches, and what is typical of products in them.

Root ids of domain 1 are Amazon's own; in other domains the ids are shifted, as Amazon's differ there too.
"""

from dataclasses import dataclass
from functools import cache
from itertools import accumulate

from keepahead.simulator.catalogue.noise import mix

_SHIFT = 1_000_000_007


@dataclass(frozen=True, slots=True)
class Root:
    """A root category. price_cents: median price (US cents); peak_month: when it sells most; used: how often used."""

    number: int
    cat_id: int
    name: str
    group: str
    weight: int
    price_cents: int
    ranks: int
    referral_percent: float
    peak_month: int
    used: float
    branches: str


@dataclass(frozen=True, slots=True)
class Node:
    """One category of a tree; `path` holds the ids from the root to here (domain 1)."""

    cat_id: int
    name: str
    path: tuple[int, ...]
    names: tuple[str, ...]
    children: tuple[int, ...]


# branch > sub-branch > leaves; "#id" pins a real id. A leaf's name is also what its products are called.
_ROOTS = (
    ("Books", 283155, "book_display_on_website", 14, 1699, 6_000_000, 15.0, 12, 0.9,
     ("History:Ancient History,Military History,World History;Cookbooks:Baking Book,Quick Meals Book,Vegetarian Book;"
      "Science:Physics Textbook,Biology Textbook,Popular Science;Children's Books:Picture Book,Activity Book,Early Reader")),
    ("Electronics", 172282, "ce_display_on_website", 13, 4999, 900_000, 8.0, 12, 0.5,
     ("Headphones:Over-Ear Headphones,Earbuds,Gaming Headset;Accessories:USB-C Cable,Power Bank,Wall Charger,HDMI Cable;"
      "Camera & Photo:Action Camera,Tripod,Camera Bag;Computers:Wireless Mouse,Mechanical Keyboard,USB Hub,Laptop Stand")),
    ("Home & Kitchen", 1055398, "kitchen_display_on_website", 16, 2799, 3_500_000, 15.0, 11, 0.2,
     ("Kitchen & Dining:Frying Pan,Chef Knife,Cutting Board,Storage Container,French Press;Bedding:Pillow,Sheet Set,Duvet Cover;"
      "Storage:Closet Organizer,Storage Bin,Hanger Set;Vacuums:Cordless Vacuum,Robot Vacuum,Vacuum Bags")),
    ("Toys & Games", 165793011, "toy_display_on_website", 9, 2299, 1_200_000, 15.0, 12, 0.3,
     ("Building Toys:Building Blocks,Magnetic Tiles,Marble Run;Games:Board Game,Card Game,Puzzle;"
      "Outdoor Play:Water Gun,Kite,Bubble Machine;Dolls:Fashion Doll,Plush Toy,Dollhouse")),
    ("Beauty & Personal Care", 3760911, "beauty_display_on_website", 9, 1899, 1_500_000, 15.0, 11, 0.02,
     ("Skin Care#11060451:Face#11060711>Treatments & Masks#11062031>Serums#7792528011,Face Moisturizer,Sunscreen;"
      "Hair Care:Shampoo,Conditioner,Hair Oil;Makeup:Lipstick,Mascara,Foundation;Tools:Hair Dryer,Makeup Brush Set")),
    ("Grocery & Gourmet Food", 16310101, "grocery_display_on_website", 6, 1599, 400_000, 15.0, 12, 0.0,
     ("Beverages:Instant Coffee,Coffee Beans,Green Tea,Sparkling Water;Snacks:Protein Bar,Mixed Nuts,Dark Chocolate;"
      "Pantry:Olive Oil,Pasta,Spice Set")),
    ("Sports & Outdoors", 3375251, "sports_display_on_website", 8, 3199, 1_800_000, 15.0, 6, 0.25,
     ("Exercise:Yoga Mat,Dumbbell Set,Resistance Bands;Camping:Camping Tent,Sleeping Bag,Headlamp,Camping Stove;"
      "Cycling:Bike Light,Bike Helmet,Bike Pump")),
    ("Tools & Home Improvement", 228013, "home_improvement_display_on_website", 8, 3499, 1_900_000, 15.0, 5, 0.2,
     ("Power Tools:Cordless Drill,Circular Saw,Drill Bit Set;Lighting:LED Bulb,Desk Lamp,LED Strip Lights;"
      "Hardware:Cabinet Handle,Door Hinge,Screw Assortment")),
    ("Pet Supplies", 2619533011, "pet_products_display_on_website", 5, 2199, 500_000, 15.0, 8, 0.02,
     ("Dogs:Dog Leash,Dog Bed,Dog Treats;Cats:Cat Litter Box,Cat Tree,Cat Toy;Fish:Aquarium Filter,Fish Food")),
    ("Office Products", 1064954, "office_product_display_on_website", 5, 1799, 800_000, 15.0, 8, 0.1,
     ("Writing:Gel Pen Set,Highlighters,Fountain Pen;Paper:Notebook,Sticky Notes,Planner;Desk:Desk Organizer,Stapler,Desk Pad")),
    ("Industrial & Scientific", 16310091, "biss_display_on_website", 3, 2999, 700_000, 12.0, 4, 0.05,
     ("Lab & Scientific Products#317970011:Glassware & Labware#318049011>Lab Tubes#318094011>Test Tubes#393384011,Beaker Set,Pipettes;"
      "Test & Measurement:Digital Caliper,Multimeter,Thermometer")),
    ("Video Games", 468642, "video_games_display_on_website", 4, 3999, 250_000, 15.0, 12, 0.8,
     ("Accessories:Game Controller,Charging Dock,Console Skin;Games:Racing Game,Adventure Game,Strategy Game")),
)  # fmt: skip


@cache
def roots() -> tuple[Root, ...]:
    """Return the root categories."""
    return tuple(Root(number, row[1], row[0], *row[2:]) for number, row in enumerate(_ROOTS))


@cache
def root_by_byte() -> tuple[int, ...]:
    """Return which root each of 256 equally likely bytes stands for, by weight."""
    ends = list(accumulate(root.weight for root in roots()))
    return tuple(next(n for n, end in enumerate(ends) if byte * ends[-1] < end * 256) for byte in range(256))


class Tree:
    """All nodes of domain 1, by id; leaves by root number."""

    def __init__(self) -> None:
        self.nodes: dict[int, Node] = {}
        self.leaves: list[tuple[Node, ...]] = []
        for root in roots():
            self._grow(root)

    def _grow(self, root: Root) -> None:
        paths: list[list[str]] = []
        for branch in root.branches.split(";"):
            name, _, leaves = branch.partition(":")
            paths += [[root.name + f"#{root.cat_id}", name, *leaf.split(">")] for leaf in leaves.split(",")]
        nodes: dict[tuple[int, ...], tuple[str, ...]] = {}
        ends: list[int] = []
        for path in paths:
            ids: tuple[int, ...] = ()
            names: tuple[str, ...] = ()
            for label in path:
                name, _, pinned = label.partition("#")
                ids += (
                    int(pinned) if pinned else mix(mix(root.number, len(ids)), _letters(name)) % 9_000_000_000 + 10**9,
                )
                names += (name,)
                nodes[ids] = names
            ends.append(ids[len(path) - 1])
        for ids, names in nodes.items():
            below = tuple(other[-1] for other in nodes if other[:-1] == ids)
            self.nodes[ids[-1]] = Node(ids[-1], names[-1], ids, names, below)
        self.leaves.append(tuple(self.nodes[end] for end in ends))


def _letters(name: str) -> int:
    return int.from_bytes(name.encode(), "big")


@cache
def tree() -> Tree:
    """Return the category tree (domain 1's ids)."""
    return Tree()


def id_in(domain: int, cat_id: int) -> int:
    """Return a node's id in a domain."""
    return cat_id if domain == 1 else cat_id + _SHIFT * domain


def id_from(domain: int, cat_id: int) -> int | None:
    """Return domain 1's id of a node, None when there is no such node in that domain."""
    plain = cat_id if domain == 1 else cat_id - _SHIFT * domain
    return plain if plain in tree().nodes else None


def root_of(node: Node) -> Root:
    """Return the root category above a node."""
    return next(root for root in roots() if root.cat_id == node.path[0])
