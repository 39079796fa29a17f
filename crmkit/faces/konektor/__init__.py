"""Konektor's Agent API, version 2: `/api/v2/agent`. A lead is a contact.

`words` has its tables of fields, words, scopes and errors, `lead` turns leads into contacts and back, `answering` says
how it answers, `skill` is its document, with `examples`; the others are its routes.
"""
