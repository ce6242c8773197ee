"""Concord's public formats, read by servers and clients alike.

Owns the vocabulary of consents, the clear address of a letter, hybrid signatures (the verifying half) and the key entries of an
account. Refuses everything that decrypts or signs: private keys live in the client alone.
"""
