"""The stages of one kind of artifact, a module each; what is the same for all of them is in `deciding`.

A check takes what the hooks reached and returns a `Permit`, or raises the public error. `jupyter_modelguard.guard` owns their order.
"""
