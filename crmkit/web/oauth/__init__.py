"""OAuth over HTTP: the endpoints that an app calls and the pages that a person sees."""
