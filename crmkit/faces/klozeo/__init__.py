"""Klozeo's API, version 1: `/api/v1`. A lead is a contact.

`words` has its tables of fields, operators and errors, `ids` how its ids are made of ours, `lead` and `attribute` turn
leads into contacts and back, `filters` reads its queries, `answering` says how it answers, `events` what its webhooks
send; `routes` has its routes.
"""
