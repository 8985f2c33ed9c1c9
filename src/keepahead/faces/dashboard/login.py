"""The page on which a gateway key is shown once, and the way out. Plain HTML: it works before any script does."""

from html import escape
from string import Template

THEME_COOKIE = "keepahead_theme"
"""Which theme a browser is shown: dark or light. Set by its first page, from what the system prefers."""

CONTENT_SECURITY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'"

_PAGE = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Log in · keepahead</title>
<style>
:root { color-scheme: light dark; --page: #f4f6fa; --card: #ffffff; --text: #16202e; --soft: #51607a; --line: #8390a5;
  --act: #1d4fd7; --on-act: #ffffff; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --page: #0b1220; --card: #131c2e; --text: #e8edf6; --soft: #a5b1c6;
  --line: #6b7a93; --act: #7aa5ff; --on-act: #0b1220; --bad: #ff9d95; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1rem; background: var(--page);
  color: var(--text); font: 1rem/1.5 system-ui, sans-serif; }
main { width: 100%; max-width: 25rem; background: var(--card); padding: 2rem; border-radius: 14px; }
h1 { margin: 0 0 .25rem; font-size: 1.35rem; }
p { margin: 0 0 1.25rem; color: var(--soft); }
label { display: block; font-weight: 600; margin-bottom: .35rem; }
input, button { width: 100%; font: inherit; padding: .7rem .8rem; border-radius: 9px; }
input { border: 1px solid var(--line); background: transparent; color: inherit; }
button { margin-top: 1rem; border: 0; background: var(--act); color: var(--on-act); font-weight: 600; cursor: pointer; }
:focus-visible { outline: 3px solid var(--act); outline-offset: 2px; }
.bad { color: var(--bad); margin: .75rem 0 0; font-weight: 600; }
code { font-size: .92em; }
</style>
</head>
<body>
<main>
<h1>keepahead</h1>
<p>Log in with a key of this gateway.</p>
<form method="post" action="login">
<input type="hidden" name="to" value="$to">
<label for="key">Gateway key</label>
<input id="key" name="key" type="password" autocomplete="current-password" required autofocus
 spellcheck="false" autocapitalize="none" placeholder="kah…"$described>
$told
<button type="submit">Log in</button>
</form>
<p style="margin: 1.25rem 0 0">The first start of the gateway printed a key. <code>keepahead keys create NAME</code>
makes another.</p>
</main>
</body>
</html>
""")


def login_page(*, to: str, failure: str | None = None) -> str:
    """Return the page. `to` is the path that is gone to afterwards, `failure` what was wrong with the last key."""
    told = f'<p class="bad" id="failure" role="alert">{escape(failure)}</p>' if failure else ""
    described = ' aria-invalid="true" aria-describedby="failure"' if failure else ""
    return _PAGE.substitute(to=escape(to, quote=True), told=told, described=described)


def safe_path(to: str) -> str:
    """Return a path of this house to go to, whatever was asked for: nobody is sent elsewhere."""
    is_ours = to.startswith("/") and not to.startswith(("//", "/\\")) and to.isprintable() and "\\" not in to
    return to if is_ours else "/"
