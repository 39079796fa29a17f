"""The advertising platforms that leads come from and conversions are reported to."""

from crmkit.model.fields import Choice

PLATFORM = Choice(("meta", "google", "tiktok", "linkedin", "posthog", "other"))
