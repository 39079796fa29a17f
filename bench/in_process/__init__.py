"""What is measured in the process itself, without a network, each a program that a row starts."""
