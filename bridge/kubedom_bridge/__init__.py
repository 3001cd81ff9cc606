"""The half of kubedom that browsers talk to: protocol, journal, sign-in and sockets."""
