"""The certificate as one file: a deterministic zip of a run, its manifest and its signatures."""
