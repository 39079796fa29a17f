"""What stands between an app that asks to connect and its token: a sign-in under way, then a grant to redeem."""

import json
import secrets

from msgspec import Struct, structs

from crmkit.storage.hashed import sha256
from crmkit.storage.interface.tx import Tx
from crmkit.storage.pruning.bounded import dropped, limited

SECRET_BYTES = 32  # 256 random bits


class Binding(Struct, frozen=True):
    """What a sign-in and its code are bound to: the app, where it is answered, and how it will prove itself."""

    client_id: str
    redirect_uri: str
    challenge: str
    resource: str
    state: str | None


class Signin(Struct, frozen=True):
    """Someone signing in for an app; `user_id` is empty until the right code was entered."""

    email: str
    user_id: str
    expires_at: str


class Grant(Struct, frozen=True):
    """An authorization code: whose token in which workspace it stands for, and what it is bound to.

    `access` is a word of `model.access`.
    """

    workspace_id: str
    user_id: str
    access: str
    client_id: str
    redirect_uri: str
    challenge: str
    resource: str
    expires_at: str
    spent: int  # 1 once somebody tried it
    token_id: str


def secret() -> str:
    """Return a fresh secret; the one who gets it alone knows it."""
    return secrets.token_urlsafe(SECRET_BYTES)


def begin(tx: Tx, page_secret: str, email: str, binding: Binding, expires_at: str) -> None:
    """Keep a sign-in under way."""
    tx.connection.execute(
        "INSERT INTO signins (hash, email, asked, expires_at) VALUES (?, ?, ?, ?)",
        (sha256(page_secret), email, _digest(binding), expires_at),
    )


def address(tx: Tx, page_secret: str) -> str | None:
    """Return whose sign-in this is, which never changes; None when there is none."""
    row = tx.connection.execute("SELECT email FROM signins WHERE hash = ?", (sha256(page_secret),)).fetchone()
    return None if row is None else row[0]


def find(tx: Tx, page_secret: str, binding: Binding) -> Signin | None:
    """Return the sign-in with this secret and binding, outdated or not; None when there is none."""
    row = tx.connection.execute(
        "SELECT email, user_id, expires_at FROM signins WHERE hash = ? AND asked = ?",
        (sha256(page_secret), _digest(binding)),
    ).fetchone()
    return None if row is None else Signin(*row)


def prove(tx: Tx, page_secret: str, user_id: str, expires_at: str) -> None:
    """Write down that the right code was entered, by this user."""
    tx.connection.execute(
        "UPDATE signins SET user_id = ?, expires_at = ? WHERE hash = ?", (user_id, expires_at, sha256(page_secret))
    )


def end(tx: Tx, page_secret: str) -> None:
    tx.connection.execute("DELETE FROM signins WHERE hash = ?", (sha256(page_secret),))


def give(tx: Tx, code: str, workspace_id: str, user_id: str, access: str, binding: Binding, expires_at: str) -> None:
    """Keep a grant of a token with this access until it is redeemed by this code."""
    tx.connection.execute(
        "INSERT INTO grants "
        "(hash, workspace_id, user_id, access, client_id, redirect_uri, challenge, resource, expires_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            sha256(code),
            workspace_id,
            user_id,
            access,
            binding.client_id,
            binding.redirect_uri,
            binding.challenge,
            binding.resource,
            expires_at,
        ),
    )


def owner(tx: Tx, code: str) -> tuple[str, str] | None:
    """Return (workspace id, mail address) of the grant of this code, which never change; None when there is none."""
    sql = "SELECT g.workspace_id, u.email FROM grants AS g JOIN users AS u ON u.id = g.user_id WHERE g.hash = ?"
    row = tx.connection.execute(sql, (sha256(code),)).fetchone()
    return None if row is None else (row[0], row[1])


def spend(tx: Tx, code: str) -> Grant | None:
    """Return the grant of this code as it was, from now on spent; None when there is none."""
    row = tx.connection.execute(
        "SELECT workspace_id, user_id, access, client_id, redirect_uri, challenge, resource, expires_at, spent, "
        "token_id FROM grants WHERE hash = ?",
        (sha256(code),),
    ).fetchone()
    if row is None:
        return None
    tx.connection.execute("UPDATE grants SET spent = 1 WHERE hash = ?", (sha256(code),))
    return Grant(*row)


def note_token(tx: Tx, code: str, token_id: str) -> None:
    """Write down which token was made from this code."""
    tx.connection.execute("UPDATE grants SET token_id = ? WHERE hash = ?", (token_id, sha256(code)))


_SIGNINS_OVER = "DELETE FROM signins WHERE " + limited("signins", "hash", "expires_at <= ? OR expires_at > ?")
_OVER = "DELETE FROM grants WHERE " + limited("grants", "hash", "expires_at < ? OR expires_at > ?")


def forget_signins(tx: Tx, latest: str) -> bool:
    """Drop some sign-ins that ended, or end later than any may; tell whether some may be left."""
    return dropped(tx, _SIGNINS_OVER, tx.now, latest)


def forget(tx: Tx, before: str, latest: str) -> bool:
    """Drop some grants that ended before a time, or end later than any may; tell whether some may be left.

    A grant is kept for a while after its end, so that a second try of its code ends the token.
    """
    return dropped(tx, _OVER, before, latest)


def _digest(binding: Binding) -> bytes:
    return sha256(json.dumps(structs.astuple(binding)))
