"""What brings a lost keyring back: sealed backups, the recovery code, and the case of two administrators.

Owns who may try and how often. Refuses anything in the clear.
"""
