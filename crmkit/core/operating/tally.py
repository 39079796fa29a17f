"""What left the machine since the start, and what did not."""


class Tally:
    """Counts, from which nothing is ever taken."""

    __slots__ = ("deliveries_failed", "deliveries_sent", "mails_failed", "mails_sent")

    def __init__(self) -> None:
        self.mails_sent = self.mails_failed = 0
        self.deliveries_sent = self.deliveries_failed = 0  # attempts to deliver to a webhook
