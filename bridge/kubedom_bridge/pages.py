"""The few pages that the bridge makes itself, for those who are not signed in (yet)."""

from __future__ import annotations

from html import escape
from string import Template

from starlette.responses import HTMLResponse

STYLE = "sign-in.css"
_PAGE = Template(
    '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    f'<title>kubedom: $title</title><link rel="stylesheet" href="/{STYLE}"><main><h1>$title</h1>$content</main></html>'
)
_FORM = Template(
    '<p role="status">$said</p>'
    '<form method="post" action="/api/session"><input type="hidden" name="next" value="$next">'
    '<label for="token">Token</label>'
    '<textarea id="token" name="token" rows="6" required autofocus autocomplete="off" spellcheck="false"></textarea>'
    "<p>A token of this cluster, as <code>kubectl create token NAME</code> prints it, or of your identity provider.</p>"
    "<button>Sign in</button></form>"
)


def message(title: str, sentence: str, status: int) -> HTMLResponse:
    """Tell somebody something."""
    return _page(title, f"<p>{escape(sentence)}</p>", status)


def sign_in(said: str, then: str) -> HTMLResponse:
    """Ask for a token.

    Args:
        said: What was wrong before.
        then: The path, with its query, that was asked for.

    """
    return _page("Sign in", _FORM.substitute(said=escape(said), next=escape(then)), 401)


def again(path: str) -> HTMLResponse:
    """Let the browser ask once more.

    Where another site or a terminal led it here, it leaves a strict cookie out, also of what a redirect asks for. What
    the page itself asks for is a request of ours.
    """
    return HTMLResponse(
        '<!doctype html><meta charset="utf-8">'
        f'<meta http-equiv="refresh" content="0; url={escape(path)}"><title>kubedom</title>'
    )


def _page(title: str, content: str, status: int) -> HTMLResponse:
    return HTMLResponse(_PAGE.substitute(title=escape(title), content=content), status)
