"""The patient's own page: which consents there are, who received what, and revoking.

Owns codes, sessions, the views and their words in English and Spanish. Refuses scripts, names of patients, a code in an
address, and anything that would widen a consent: that takes a signature.
"""
