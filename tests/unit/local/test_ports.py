import socket

from kubedom_operator.local.ports import free_ports, is_free


def test_free_ports_are_distinct_and_below_the_kernels_own() -> None:
    ports = free_ports(50)
    assert len(set(ports)) == 50
    assert all(20_000 <= port < 32_768 and is_free(port) for port in ports)


def test_a_port_with_a_listener_is_not_free_on_whichever_address() -> None:
    for address in ("127.0.0.1", "0.0.0.0"):
        with socket.create_server((address, free_ports(1)[0])) as server:
            assert not is_free(server.getsockname()[1])
