"""What leaves modelguard for other programs: scan results and, later, the history in the formats those read."""
