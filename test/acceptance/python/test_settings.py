"""The client knows nothing of `multivector.plaid`: its work with settings must not break or lose it."""

import pytest
from conftest import MODULE
from weaviate.exceptions import UnexpectedStatusCodeException


def test_config_get(client, library):
    config = library.config.get()
    vector = config.vector_config["colpali"]
    assert vector.vectorizer.vectorizer == MODULE
    assert vector.vectorizer.model["imageFields"] == ["page"]
    assert vector.vector_index_config.multi_vector is not None
    assert library.config.get(simple=True).name == "PyLibrary"


def test_list_all(client, library):
    assert "PyLibrary" in client.collections.list_all()
    assert "PyLibrary" in client.collections.list_all(simple=False)
    assert client.collections.exists("PyLibrary")


def test_config_update_keeps_the_index(client, create):
    collection = create("PyUpdate")
    collection.config.update(description="pages")
    assert collection.config.get().description == "pages"
    raw = client._connection.get("/schema/PyUpdate", error_msg="read the schema").json()
    multivector = raw["vectorConfig"]["colpali"]["vectorIndexConfig"]["multivector"]
    assert multivector["plaid"]["enabled"] is True


def test_exported_config_is_refused_not_downgraded(client, library):
    """The client drops settings it does not know, so its export has lost our index. Importing that
    must end in an error that says so, not in a collection with another index."""
    exported = client.collections.export_config("PyLibrary").to_dict()
    exported["class"] = "PyExported"
    with pytest.raises(UnexpectedStatusCodeException, match="plaid"):
        client.collections.create_from_dict(exported)
    assert not client.collections.exists("PyExported")
