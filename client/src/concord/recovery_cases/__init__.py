"""Recovery cases: the way back when every device is lost, and the recovery code too.

Owns the person's side (`person`, and `code`, which opens a case), that of administrators and of an account's owner
(`administrators`), and how every reader finds out who attested to a recovery (`attestors` asks, `attested` verifies).
Refuses a recovery that lacks one of two administrators, wherever it is met. It exports nothing: `colleagues` needs
`attestors`, and `administrators` needs `colleagues`. Specified in `spec/keys.md`, "Recovery cases" and "Attestations".
"""
