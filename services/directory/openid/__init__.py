"""Single sign-on: an organization's own OpenID Connect provider vouches for who enrols.

Owns the directory's part as relying party. Refuses to sign anybody in by it: a device does that with its own key.
"""
