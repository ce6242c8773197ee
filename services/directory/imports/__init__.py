"""What is imported: NPPES's file of everybody with an NPI, and NUCC's list of specialties.

Owns the reading of those files and the upserts. Refuses owners' entries, and the feed: nobody is enrolled by an import.
"""
