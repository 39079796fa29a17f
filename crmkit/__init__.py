"""crmkit: a headless, plain-text CRM that an AI agent operates."""

__version__ = "0.2.0"
