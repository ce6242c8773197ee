"""The consent service's pure decisions: no input, no output, no clock of their own.

Owns what a consent says (`terms`), which windows are sensible (`window`), what it must hold (`elements`), how its
versions live (`lifecycle`), who may do what (`standing`) and what it comes to at the gate (`grants`). Refuses tables,
requests and the bus.
"""
