"""The operator's commands beyond the start of a service: one module a subject, each with its own `typer` app.

Owns what an operator does to a running deployment. Refuses what a service does by itself.
"""
