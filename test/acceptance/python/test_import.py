"""Every way in which the client writes objects."""

import numpy as np
import pytest
import weaviate.classes as wvc
from answers import found
from weaviate.exceptions import WeaviateQueryException


def objects(pages):
    return [{"title": title, "number": i, "page": page} for i, (title, page) in enumerate(pages.items())]


@pytest.mark.parametrize("kind", ["dynamic", "fixed_size", "rate_limit"])
@pytest.mark.parametrize("owner", ["collection", "client"])
def test_batch(client, create, pages, kind, owner):
    name = f"PyBatch{kind}{owner}".replace("_", "")
    collection = create(name)
    options = {"dynamic": {}, "fixed_size": {"batch_size": 2}, "rate_limit": {"requests_per_minute": 6000}}[kind]
    batches = collection.batch if owner == "collection" else client.batch
    target = {} if owner == "collection" else {"collection": name}
    with getattr(batches, kind)(**options) as batch:
        for properties in objects(pages)[:3]:
            batch.add_object(properties=properties, **target)
    assert not batches.failed_objects
    assert len(collection) == 3
    assert len(collection.query.near_text("blue whales", limit=5).objects) == 3


def test_insert_and_insert_many(create, pages):
    collection = create("PyInsert")
    first, *rest = objects(pages)[:4]
    collection.data.insert(first)
    answer = collection.data.insert_many([wvc.data.DataObject(properties=p) for p in rest])
    assert not answer.has_errors
    assert sorted(found(collection.query.near_text("bread", limit=9))) == sorted(list(pages)[:4])


def test_insert_many_with_a_bad_page(create, pages):
    collection = create("PyBadPage")
    good, other = objects(pages)[:2]
    bad = {"title": "bad", "number": 9, "page": "bm8gaW1hZ2U="}
    answer = collection.data.insert_many([wvc.data.DataObject(properties=p) for p in (good, bad, other)])
    assert list(answer.errors) == [1]
    assert "page" in answer.errors[1].message
    assert sorted(o.properties["title"] for o in collection.iterator()) == sorted([good["title"], other["title"]])


def test_insert_own_vectors(create, stored):
    collection = create("PyOwn")
    dim = stored["whale"].shape[1]
    own = np.random.default_rng(1).normal(size=(3, dim)).astype(np.float32)
    uuid = collection.data.insert({"title": "own"}, vector={"colpali": own.tolist()})
    back = collection.query.fetch_object_by_id(uuid, include_vector=True).vector["colpali"]
    np.testing.assert_array_equal(np.array(back, np.float32), own)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_insert_not_finite(create, value):
    collection = create("PyNotFinite", module={"none": {}})
    collection.data.insert({"title": "good"}, vector={"colpali": [[1.0, 0.0], [0.0, 1.0]]})
    bad = wvc.data.DataObject(properties={"title": "bad"}, vector={"colpali": [[1.0, value]]})
    other = wvc.data.DataObject(properties={"title": "other"}, vector={"colpali": [[0.5, 0.5]]})
    answer = collection.data.insert_many([bad, other])
    assert list(answer.errors) == [0]
    assert "finite" in answer.errors[0].message
    assert sorted(o.properties["title"] for o in collection.iterator()) == ["good", "other"]
    with pytest.raises(WeaviateQueryException, match="finite"):
        collection.query.near_vector([[1.0, value]], limit=1)
    assert found(collection.query.near_vector([[1.0, 0.0]], limit=1)) == ["good"]
