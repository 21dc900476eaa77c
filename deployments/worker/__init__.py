"""One job at work: the engine around its flow, who answers for it, and its lease."""
