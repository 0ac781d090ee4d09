"""What leaves modelguard for other programs: scan results and the history, in the formats those read."""
