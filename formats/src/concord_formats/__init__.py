"""Concord's public formats, read by servers and clients alike.

Owns the vocabulary of consents, the clear address of a letter, hybrid signatures (the verifying half), the key
entries of an account, and the strict reading of their lines. Refuses everything that decrypts or signs: private keys
live in the client alone.
"""
