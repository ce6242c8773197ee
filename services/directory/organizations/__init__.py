"""How people of an organization work together: departments, teams, delegations, coverage.

Owns who may write to a team, in whose name, and who covers. Refuses letters: the gate follows what is told here.
"""
