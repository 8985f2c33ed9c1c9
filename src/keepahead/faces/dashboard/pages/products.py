"""The page "Products": what the archive holds, and one product from all sides. Looking costs nothing."""
# pyright: reportUnknownMemberType=false
# NiceGUI leaves some of its types open.

from nicegui import ui

from keepahead.errors import InvalidCallError
from keepahead.faces.dashboard.frame import page
from keepahead.faces.dashboard.product_list import ProductList
from keepahead.faces.dashboard.product_view import ProductView
from keepahead.faces.dashboard.purse import first_view
from keepahead.faces.dashboard.scene import Scene
from keepahead.faces.dashboard.shelf import is_asin
from keepahead.keepa.domains import domain_id

_WORDS_MAX = 200


@page("/products")
async def show(scene: Scene) -> None:
    """Build the search."""
    asked = _query(scene)
    try:
        domain = domain_id(asked["domain"]) if asked.get("domain") else None
    except InvalidCallError:
        domain = None
    found = ProductList(scene, asked.get("q", "")[:_WORDS_MAX].strip(), domain)
    await found.search()


@page("/products/{asin}")
async def show_product(scene: Scene) -> None:
    """Build one product."""
    request = scene.client.request
    asin = str(request.path_params["asin"]).strip().upper()
    ui.link("← All products", "/products").classes("kh-soft")
    try:
        domain = domain_id(_query(scene).get("domain", "US"))
    except InvalidCallError as error:
        ui.label(str(error)).classes("kh-note kh-bad").props("role=alert")
        return
    if not is_asin(asin):
        words = (
            f"“{asin[:40]}” is no ASIN: that is ten letters and digits, such as B0D8W1YVBX. Search for words instead."
        )
        ui.label(words).classes("kh-note kh-bad").props("role=alert")
        return
    view = ProductView(scene, asin, domain)
    view.follow(await first_view(scene))
    await view.show()


def _query(scene: Scene) -> dict[str, str]:
    return dict(scene.client.request.query_params)
