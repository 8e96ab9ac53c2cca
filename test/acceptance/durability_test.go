package acceptance

import (
	"testing"

	"github.com/stretchr/testify/require"

	"weaviate-colpali/test/acceptance/server"
)

// TestRestart: a stopped and a killed server answer as before.
func TestRestart(t *testing.T) {
	n := start(t, server.Options{})
	const matrices, pages = "RestartMatrices", "RestartPages"
	n.create(t, matrixCollection(matrices))
	n.create(t, pageCollection(pages))
	n.imports(t, matrixObjects(matrices, 50, 30))
	n.imports(t, pageObjects(t, pages)[:3])
	require.NoError(t, n.rest.Data().Deleter().WithClassName(matrices).WithID(uuid(7).String()).Do(t.Context()))

	q := randomMatrix(seeded(31), 5, matrixDim)
	near := query{nearVector: n.vector(ownVector, q), limit: 60}
	ask := query{nearText: n.text(samples[2].question), limit: 3}
	documents := n.stored(t, matrices, ownVector, "")
	require.Len(t, documents, 49)
	schema, found, answered := n.schema(t, pages), n.search(t, matrices, near), n.search(t, pages, ask)
	requireExact(t, q, documents, 60, found)

	for _, end := range []struct {
		name string
		end  func() error
	}{{"stop", n.Stop}, {"kill", n.Kill}, {"stop after kill", n.Stop}} {
		t.Run(end.name, func(t *testing.T) {
			require.NoError(t, end.end())
			require.NoError(t, n.Restart())
			require.Equal(t, schema, n.schema(t, pages))
			require.Equal(t, documents, n.stored(t, matrices, ownVector, ""))
			require.Equal(t, found, n.search(t, matrices, near))
			require.Equal(t, answered, n.search(t, pages, ask))
		})
	}
}
