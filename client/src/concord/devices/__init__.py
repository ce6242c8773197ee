"""Devices of one account: which there are, how one lets another in, and what they hand to each other.

Owns the way of the account's keys from device to device. Refuses the directory a look at it: what passes is sealed.
"""
