"""`modelguard run`: a script or notebook, guarded, where nobody is asked: by policy, by lock files, or not at all."""
