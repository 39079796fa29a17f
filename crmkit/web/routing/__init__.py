"""What is known of all routes together: the list of endpoints (`table`), the path that one which is not there is most
like (`nearest`), and a path as the log has it (`logged`). `segments` decodes those of a path, `next_page` leads from a
page to the next one."""
