"""Updates, deletes and tenants through the client."""

import pytest
from answers import found
from weaviate.classes.query import Filter
from weaviate.exceptions import WeaviateQueryException
from weaviate.util import generate_uuid5


def test_update_replace_delete(create, pages):
    collection = create("PyChange")
    titles = list(pages)[:4]
    for number, title in enumerate(titles):
        collection.data.insert({"title": title, "number": number, "page": pages[title]}, uuid=generate_uuid5(title))

    def nearest(title):
        return found(collection.query.near_image(pages[title], limit=1))[0]

    collection.data.update(generate_uuid5("tractor"), properties={"title": "renamed"})
    assert nearest("tractor") == "renamed"
    collection.data.update(generate_uuid5("invoice"), properties={"page": pages["museum"]})
    assert nearest("museum") == "invoice"
    collection.data.replace(generate_uuid5("whale"), properties={"title": "replaced", "number": 2, "page": pages["train"]})
    assert nearest("train") == "replaced"
    assert collection.data.delete_by_id(generate_uuid5("whale"))
    assert nearest("train") != "replaced"
    assert collection.data.delete_many(Filter.by_property("number").less_than(2)).successful == 2
    assert found(collection.query.near_text("anything", limit=9)) == ["bread"]


def test_tenants(create, pages):
    collection = create("PyTenants", tenants=True)
    collection.tenants.create(["north", "south"])
    for tenant, title in (("north", "whale"), ("south", "bread")):
        collection.with_tenant(tenant).data.insert({"title": title, "page": pages[title]})
    for tenant, title in (("north", "whale"), ("south", "bread")):
        assert found(collection.with_tenant(tenant).query.near_text("night train", limit=5)) == [title]
    collection.tenants.deactivate("north")
    with pytest.raises(WeaviateQueryException, match="not active"):
        collection.with_tenant("north").query.near_text("night train", limit=5)
    collection.tenants.activate("north")
    assert found(collection.with_tenant("north").query.near_text("night train", limit=5)) == ["whale"]
    collection.tenants.remove("south")
    assert list(collection.tenants.get()) == ["north"]
