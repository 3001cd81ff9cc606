"""The log on NATS JetStream, as bridges read it; `kubedom_operator.jetstream` writes it.

One stream has all of it, at most one message a subject: the last state of each object, the open incidents, and for a
while every event and every deletion. Its sequences are the entries' sequences, and its metadata name the epoch.
"""
