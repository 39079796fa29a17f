"""How the database knows a random secret: by its SHA-256, which is enough where nobody can guess the secret."""

import hashlib


def sha256(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()
