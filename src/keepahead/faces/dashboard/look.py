"""How the pages look: two themes, each with colours that keep their contrast, and the style sheet."""

from dataclasses import dataclass
from pathlib import Path

from keepahead.faces.dashboard.login import THEME_COOKIE
from keepahead.faces.gateway.books import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Palette:
    """The colours of one theme, for what a style sheet does not reach: charts. `series` are told apart side by side."""

    page: str
    card: str
    text: str
    soft: str
    line: str
    act: str
    good: str
    warn: str
    bad: str
    external: str
    series: tuple[str, ...]

    def of_state(self, state: State) -> str:
        """Return the colour of a balance."""
        match state:
            case State.OK:
                return self.good
            case State.LOW:
                return self.warn
            case State.UNKNOWN:
                return self.soft
            case _:
                return self.bad


LIGHT = Palette(
    page="#f4f6fa",
    card="#ffffff",
    text="#16202e",
    soft="#51607a",
    line="#d5dbe6",
    act="#1d4fd7",
    good="#0f7a4d",
    warn="#8f5b00",
    bad="#b3261e",
    external="#8a3ffc",
    series=("#1d4fd7", "#0f7a4d", "#b45309", "#0e7490", "#be185d", "#4d7c0f", "#6d28d9", "#475569"),
)
DARK = Palette(
    page="#0b1220",
    card="#131c2e",
    text="#e8edf6",
    soft="#a5b1c6",
    line="#26344d",
    act="#7aa5ff",
    good="#4ade9f",
    warn="#fbbf4a",
    bad="#ff8a80",
    external="#c4a1ff",
    series=("#7aa5ff", "#4ade9f", "#fbbf4a", "#5fd4e8", "#f9a8d4", "#bef264", "#c4b5fd", "#cbd5e1"),
)

_VARIABLES = ("page", "card", "text", "soft", "line", "act", "good", "warn", "bad", "external")


def _variables(palette: Palette) -> str:
    return " ".join(f"--{name}: {getattr(palette, name)};" for name in _VARIABLES)


_SHEETS = Path(__file__).parent / "styles"


def style_of(sheet: str) -> str:
    """Return the style of a page: what all share, and what is its own."""
    shared, own = ((_SHEETS / f"{name}.css").read_text() for name in ("shared", sheet))
    return f"""
:root {{ {_variables(LIGHT)} --on-act: #ffffff; }}
body.body--dark {{ {_variables(DARK)} --on-act: #0b1220; }}
{shared}{own}"""


OUTAGE_SCRIPT = (Path(__file__).parent / "outage.js").read_text()

FIRST_SCRIPT = f"""
if (!/(?:^|; ){THEME_COOKIE}=/.test(document.cookie)) {{
  const theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  document.cookie = "{THEME_COOKIE}=" + theme + "; path=/; max-age=31536000; samesite=lax";
  if (theme === "dark" && /(?:^|; ){THEME_COOKIE}=/.test(document.cookie)) location.reload();
}}
"""
"""Learns on the first visit which theme the system prefers. Charts are drawn for one theme: the page is asked anew."""
