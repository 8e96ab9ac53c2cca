package acceptance

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"weaviate-colpali/test/acceptance/server"
)

// TestOtherModel: a server that is started with another model refuses to mix its vectors with those that a
// collection has, says which is which, and serves the collection again once it runs the first model.
func TestOtherModel(t *testing.T) {
	env := map[string]string{"COLPALI_MODEL_DIR": ""}
	n := start(t, server.Options{Env: env})
	const class = "OtherModel"
	n.create(t, pageCollection(class))
	pages := pageObjects(t, class)
	n.imports(t, pages[:2])
	first := n.model(t)
	kept := n.schema(t, class).VectorConfig[pageVector].Vectorizer[vectorizer].(object)
	require.Equal(t, first.Manifest, kept["manifest"])
	require.Equal(t, first.Name, kept["modelName"])

	restart := func(modelDir string) {
		require.NoError(t, n.Stop())
		env["COLPALI_MODEL_DIR"] = modelDir
		require.NoError(t, n.Restart())
	}
	restart(filepath.Join(server.Repository(), "vectorizer", "testdata", "colpali-random"))
	second := n.model(t)
	require.NotEqual(t, first.Manifest, second.Manifest)
	why := []string{first.Name, first.Manifest, second.Name, second.Manifest, "COLPALI_MODEL_DIR"}
	question := samples[0].question
	n.refused(t, class, query{nearText: n.text(question), limit: 1}, why...)
	for i, failure := range append(batch(t, n.rest, pages[2]), batch(t, n.grpc, pages[3])...) {
		for _, part := range why {
			require.Contains(t, failure, part, "import %d", i)
		}
	}
	stored := n.stored(t, class, pageVector, "")
	require.Len(t, stored, 2, "nothing was stored without vectors")
	own := query{nearVector: n.vector(pageVector, stored[uuid(0).String()]), limit: 2}
	require.Len(t, n.search(t, class, own), 2, "a search that needs no model works")
	n.create(t, pageCollection("OtherModelNew"))
	require.Equal(t, second.Manifest, n.schema(t, "OtherModelNew").VectorConfig[pageVector].Vectorizer[vectorizer].(object)["manifest"])

	restart("")
	require.Len(t, n.search(t, class, query{nearText: n.text(question), limit: 2}), 2)
	n.imports(t, pages[2:4])
}
