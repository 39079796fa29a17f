"""What is known of all routes together: the list of endpoints (`table`), and the path that one which is not there is
most like (`nearest`)."""
