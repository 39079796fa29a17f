"""The operators of filters: `rows` has one each. `circle` is what the operand of `within` means."""
