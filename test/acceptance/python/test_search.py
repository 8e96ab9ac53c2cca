"""Every way in which the client reads objects."""

import numpy as np
import pytest
from answers import check_exact, found
from conftest import MODULE
from weaviate.classes.query import Filter, GroupBy, MetadataQuery
from weaviate.exceptions import WeaviateQueryException
from weaviate.util import generate_uuid5

DISTANCE = MetadataQuery(distance=True)


def test_near_text(client, library, pages):
    whole = library.query.near_text("night train to London", limit=len(pages), return_metadata=DISTANCE)
    distances = [o.metadata.distance for o in whole.objects]
    assert len(whole.objects) == len(pages) and distances == sorted(distances)
    top = library.query.near_text("night train to London", limit=2)
    assert found(top) == found(whole)[:2]


def test_near_text_finds_the_page(client, library):
    module = client.get_meta()["modules"][MODULE]
    if not module["demo"]:
        pytest.skip(f"the server runs the model {module['model']!r}: what a question finds is asserted for the embedded one only")
    for question, title in {"tractor engine oil": "tractor", "invoice amount due": "invoice",
                            "blue whales ocean": "whale", "museum paintings": "museum"}.items():
        assert found(library.query.near_text(question, limit=1)) == [title]


def test_near_text_with_filter(library):
    whole = library.query.near_text("flour and yeast", limit=9)
    some = library.query.near_text("flour and yeast", limit=9, filters=Filter.by_property("number").greater_than(2))
    assert found(some) == [t for t in found(whole) if t in ("bread", "train", "museum")]


def test_near_image(library, pages, stored):
    response = library.query.near_image(pages["invoice"], limit=3, return_metadata=DISTANCE)
    assert found(response)[0] == "invoice"
    check_exact(response, stored["invoice"], stored, 3)


def test_near_vector(library, stored):
    query = stored["bread"][:9]
    for vector in (query.tolist(), {"colpali": query.tolist()}):
        response = library.query.near_vector(vector, target_vector="colpali", limit=4, return_metadata=DISTANCE)
        check_exact(response, query, stored, 4)


def test_near_object(library, stored):
    response = library.query.near_object(generate_uuid5("train"), limit=3, return_metadata=DISTANCE)
    check_exact(response, stored["train"], stored, 3)


def test_hybrid(library):
    assert found(library.query.hybrid("museum", alpha=0)) == ["museum"]
    assert found(library.query.hybrid("museum", alpha=1, limit=9)) == found(library.query.near_text("museum", limit=9))
    assert "museum" in found(library.query.hybrid("museum", alpha=0.5, limit=3))


def test_group_by(library, pages):
    response = library.query.near_text("bread", limit=len(pages), group_by=GroupBy(prop="title", number_of_groups=3, objects_per_group=1))
    assert list(response.groups) == found(library.query.near_text("bread", limit=3))


def test_offset_and_auto_limit(library):
    whole = found(library.query.near_text("railway", limit=6))
    assert found(library.query.near_text("railway", limit=2, offset=3)) == whole[3:5]
    leap = found(library.query.near_text("railway", auto_limit=1, limit=6))
    assert leap and leap == whole[: len(leap)]


def test_aggregate(library):
    assert library.aggregate.over_all(total_count=True).total_count == 6
    assert library.aggregate.near_text("bread", object_limit=2, total_count=True).total_count == 2


def test_certainty_has_no_meaning(library):
    with pytest.raises(WeaviateQueryException, match="certainty"):
        library.query.near_text("bread", certainty=0.7)


def test_iterator_with_vectors(client, stored, pages):
    model = client.get_meta()["modules"][MODULE]
    assert sorted(stored) == sorted(pages)
    for page in stored.values():
        assert page.shape == (model["vectorsPerPage"], model["dimensions"])
        np.testing.assert_allclose(np.linalg.norm(page, axis=1), 1, atol=1e-4)


PRECISION = "X-Colpali-Precision"  # a header of one query; over gRPC the client sends it in lower case


@pytest.mark.parametrize("precision", ["fast", "balanced", "exact"])
def test_precision_of_a_query(connect, library, precision):
    def used(client):
        response = client.collections.use(library.name).query.near_text(
            "bread", limit=1, return_metadata=MetadataQuery(query_profile=True))
        return [shard.searches["vector"].details["plaid_precision"] for shard in response.query_profile.shards]

    assert used(connect({PRECISION: precision})) == [precision]
    assert used(connect({})) == ["balanced"]


def test_wrong_precision_is_refused(connect, library):
    asking = connect({PRECISION: "best"})
    with pytest.raises(WeaviateQueryException, match=f'{PRECISION} must be one of fast, balanced, exact, got "best"'):
        asking.collections.use(library.name).query.near_text("bread", limit=1)
    answer = asking.graphql_raw_query('{Get{PyLibrary(nearText:{concepts:["bread"]},limit:1){title}}}')
    assert PRECISION in answer.errors[0]["message"]
