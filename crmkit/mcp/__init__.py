"""Floor 5: the face that chat clients see. It stands on `web`, whose application it calls in process."""
