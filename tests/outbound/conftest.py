"""The certificate authority that only the tests trust."""

from tests.mail.conftest import authority, certified, trusting

__all__ = ["authority", "certified", "trusting"]
