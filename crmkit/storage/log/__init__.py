"""The audit log: its entries, and what is read from them."""
