"""What every service stands on: configuration, database, bus, feeds, sign-in checks, problems, health, logs.

Owns the mechanisms. Refuses every word of the domain: nothing here knows what a consent, a practitioner or a letter is.
"""
