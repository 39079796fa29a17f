"""vCard and iCalendar, which are made of content lines (`lines`); `zones` tells what the clocks of a time zone show."""
