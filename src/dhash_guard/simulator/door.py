"""Decides who is let through: token, single sign-on, visibility, permission, in the order in which GitHub refuses."""

from __future__ import annotations

from collections.abc import Mapping

from dhash_guard.simulator.call import Refusal, not_found
from dhash_guard.simulator.routes import Access, Route
from dhash_guard.simulator.state import World
from dhash_guard.simulator.tokens import Kind, Token


def credential(headers: Mapping[str, str]) -> str:
    """The token's text, or nothing; `Bearer` and `token` are the same to GitHub."""
    scheme, _, text = headers.get("authorization", "").partition(" ")
    return text.strip() if scheme.lower() in ("bearer", "token") else ""


def identify(world: World, headers: Mapping[str, str]) -> Token | None:
    """The token of a request, None where there is none; raise Refusal for one that nobody knows."""
    if "authorization" not in headers:
        return None
    token = world.tokens.get(credential(headers))
    if token is None:
        raise Refusal(401, "Bad credentials")
    return token


def admit(world: World, route: Route, params: Mapping[str, str], token: Token | None) -> None:
    """Raise Refusal where the caller may not do this."""
    public, reached = _visible(world, params, token)
    if route.access is Access.EVERYBODY or (route.access is Access.READERS and public):
        return
    if token is None:
        raise Refusal(401, "Requires authentication")
    if token.needs_sso and {"owner", "org"} & set(params):
        raise _sso(params)
    if not reached or not token.allows(route.needs):
        raise _refused(route, token)


def _visible(world: World, params: Mapping[str, str], token: Token | None) -> tuple[bool, bool]:
    """Whether the repository of the path, if it has one, is public, and whether the token is made for it."""
    if "repo" not in params:
        return True, True
    name = f"{params['owner']}/{params['repo']}"
    repository = world.repositories.get(name)
    reached = token is not None and token.reaches(name)
    if repository is None or (repository.private and not reached):
        raise not_found()
    return not repository.private, reached


def _refused(route: Route, token: Token) -> Refusal:
    if route.access is Access.HIDDEN and token.kind is Kind.PERSONAL:
        return not_found()
    return Refusal(403, token.refusal, headers={"X-Accepted-GitHub-Permissions": "; ".join(route.needs)})


def _sso(params: Mapping[str, str]) -> Refusal:
    organization = params.get("owner") or params.get("org") or ""
    message = (
        "Resource protected by organization SAML enforcement. "
        "You must grant your Personal Access token access to this organization."
    )
    return Refusal(403, message, headers={"X-GitHub-SSO": f"required; url=/orgs/{organization}/sso"})
