package acceptance

import (
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"weaviate-colpali/test/acceptance/server"
)

// TestReadOnlyShard: in a shard that is read-only, as Weaviate makes it when the disk fills up, the
// index answers and writes nothing, not even when the server stops; and goes on when it may.
func TestReadOnlyShard(t *testing.T) {
	const class, count = "ReadOnlyShard", 600
	n := start(t, server.Options{})
	n.create(t, matrixCollection(class))
	objects := matrixObjects(class, count, 60)
	n.imports(t, objects[:100]) // too few for a file
	var shards []struct{ Name, Status string }
	status := func() string {
		n.get(t, "/schema/"+class+"/shards", &shards)
		require.Len(t, shards, 1)
		return shards[0].Status
	}
	set := func(to string) {
		require.NotEmpty(t, status())
		code, text := n.call(t, http.MethodPut, "/schema/"+class+"/shards/"+shards[0].Name, object{"status": to})
		require.Equal(t, http.StatusOK, code, text)
		require.Equal(t, to, status())
	}
	files := func() []string {
		names, err := filepath.Glob(filepath.Join(n.Dir, "data", "*", "*", "*.plaid.d", "*.vectors"))
		require.NoError(t, err)
		return names
	}
	q := randomMatrix(seeded(61), 5, matrixDim)
	search := func(stored int) {
		t.Helper()
		documents := n.stored(t, class, ownVector, "")
		require.Len(t, documents, stored)
		requireExact(t, q, documents, 10, n.search(t, class, query{nearVector: n.vector(ownVector, q), limit: 10}))
	}

	set("READONLY")
	search(100)
	require.Contains(t, batch(t, n.rest, objects[100])[0], "read-only", "Weaviate takes no more objects")
	require.NoError(t, n.Stop())
	require.Empty(t, files())

	// Weaviate does not remember the status.
	require.NoError(t, n.Restart())
	require.Equal(t, "READY", status())
	search(100)
	set("READONLY")
	set("READY")
	n.imports(t, objects[100:])
	search(count)
	require.Eventually(t, func() bool { return len(files()) > 0 }, time.Minute, 100*time.Millisecond)
}
