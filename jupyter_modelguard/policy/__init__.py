"""ASSESS: what is known of a global, how a stream may use it, and what level of risk follows; nothing here reads a file of a model."""
