"""What an answer of the client holds, and what it has to be."""

import numpy as np


def brute_force(query, stored) -> list[tuple[str, float]]:
    """MaxSim by its definition: title and distance, nearest first."""
    query = np.array(query, np.float64)
    distances = {title: -float((query @ page.T).max(axis=1).sum()) for title, page in stored.items()}
    return sorted(distances.items(), key=lambda item: item[1])


def found(response) -> list[str]:
    return [o.properties["title"] for o in response.objects]


def check_exact(response, query, stored, limit):
    """The answer is that of brute force. Distances of whole pages are sums of hundreds in float32."""
    want = brute_force(query, stored)[:limit]
    got = [(o.properties["title"], o.metadata.distance) for o in response.objects]
    assert [title for title, _ in got] == [title for title, _ in want]
    np.testing.assert_allclose([d for _, d in got], [d for _, d in want], atol=1e-4, rtol=1e-6)
