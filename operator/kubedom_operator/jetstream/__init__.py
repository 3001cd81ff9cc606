"""The log on NATS JetStream, as the one operator writes it; `kubedom_bridge.jetstream` reads it."""
