"""What a page is like for those who see little, or use no mouse: contrast and the way of the focus, as computed."""

from collections.abc import Sequence
from typing import Any

from playwright.sync_api import Page

_CONTRASTS = """() => {
  const parse = (text) => {
    const [r, g, b, a = 1] = text.match(/[\\d.]+/g).map(Number);
    return { r, g, b, a };
  };
  const over = (top, below) => ({
    r: top.r * top.a + below.r * (1 - top.a), g: top.g * top.a + below.g * (1 - top.a),
    b: top.b * top.a + below.b * (1 - top.a), a: 1,
  });
  const light = ({ r, g, b }) => {
    const [R, G, B] = [r, g, b].map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * R + 0.7152 * G + 0.0722 * B;
  };
  const ground = (element) => {
    const layers = [];
    for (let each = element; each; each = each.parentElement) {
      layers.push(parse(getComputedStyle(each).backgroundColor));
    }
    return layers.reverse().reduce((below, top) => over(top, below), { r: 255, g: 255, b: 255, a: 1 });
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent.trim(), element = walker.currentNode.parentElement;
    const box = element.getBoundingClientRect(), style = getComputedStyle(element);
    const isSeen = element.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && box.width > 2;
    if (!text || !isSeen || element.closest("script, style, #popup, :disabled, [aria-hidden=true]")) continue;
    const behind = ground(element), ink = over(parse(style.color), behind);
    const [high, low] = [light(ink), light(behind)].sort((a, b) => b - a);
    found.push({ text: text.slice(0, 60), ratio: (high + 0.05) / (low + 0.05) });
  }
  return found;
}"""

_CONTROLS = """() => [...document.querySelectorAll("a[href], button, input, select, textarea, [tabindex='0']")]
  .filter((each) => each.checkVisibility({ visibilityProperty: true }) && !each.disabled && each.tabIndex >= 0)
  .map((each, number) => (each.dataset.reach = String(number)))"""

_FOCUSED = """() => {
  const each = document.activeElement, style = getComputedStyle(each);
  const ring = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
  const helper = each.querySelector(".q-focus-helper");
  const name = each.ariaLabel || each.innerText || each.labels?.[0]?.innerText || each.title;
  return { reach: each.dataset.reach, isSeen: ring || !!helper, name };
}"""


def contrasts(page: Page) -> Sequence[Any]:
    """Return the contrast of every text that is seen with what lies behind it, the worst first."""
    return sorted(page.evaluate(_CONTRASTS), key=lambda each: each["ratio"])


def walk(page: Page) -> tuple[set[str], list[Any]]:
    """Press Tab through the page; return the controls that were not reached, and those reached as they look then."""
    wanted = set(page.evaluate(_CONTROLS))
    page.evaluate("document.activeElement.blur()")
    reached: list[Any] = []
    for _ in range(len(wanted) + 3):
        page.keyboard.press("Tab")
        reached.append(page.evaluate(_FOCUSED))
    return wanted - {each["reach"] for each in reached}, [each for each in reached if each["reach"] in wanted]
