"""Finding a colleague: the entries that can be found, and the search through them.

Owns candidates from the index, their ranking's order of steps, and what is shown. Refuses accounts and keys: an entry
is not an account.
"""
