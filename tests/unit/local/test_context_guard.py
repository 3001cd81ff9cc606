import pytest

from kubedom_operator.local import NotATestCluster, check_test_context, is_test_context


@pytest.mark.parametrize(
    "context", ["kind-kind", "kwok-kubedom-test-1", "k3d-dev", "minikube", "minikube-2", "my-test", "TEST", "a_test_b"]
)
def test_a_context_named_as_a_test_cluster_may_be_used(context: str) -> None:
    check_test_context(context)


@pytest.mark.parametrize(
    "context", ["production", "", "latest", "contest-live", "attestation", "my-kind-cluster", "gke_prod_kwok-1"]
)
def test_any_other_is_refused_unless_it_is_allowed(context: str) -> None:
    assert not is_test_context(context)
    with pytest.raises(NotATestCluster, match="--allow-any-context") as caught:
        check_test_context(context)
    assert repr(context) in caught.value.message
    check_test_context(context, allow_any=True)
