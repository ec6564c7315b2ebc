"""What an auditor takes away: populations, controls, samples and proofs, made from the verified log."""
