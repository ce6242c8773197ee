"""The directory's decisions, free of any I/O.

Owns what a valid NPI, taxonomy code, invitation and assertion are, and when a token key signs. Refuses databases,
requests and clocks: every fact comes as an argument.
"""
