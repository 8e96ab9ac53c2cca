package acceptance

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"weaviate-colpali/test/acceptance/server"
)

const filesystem = "filesystem"

// TestBackup: a collection comes back from a backup as it was, with its index, on the same server
// and on one that has never seen it.
func TestBackup(t *testing.T) {
	n := start(t, server.Options{})
	const matrices, pages = "BackupMatrices", "BackupPages"
	n.create(t, matrixCollection(matrices))
	n.create(t, pageCollection(pages))
	n.imports(t, matrixObjects(matrices, 50, 40))
	n.imports(t, pageObjects(t, pages)[:3])
	require.NoError(t, n.rest.Data().Deleter().WithClassName(matrices).WithID(uuid(7).String()).Do(t.Context()))

	q := randomMatrix(seeded(41), 5, matrixDim)
	ask := query{nearText: n.text(samples[2].question), limit: 3}
	documents, pageDocuments := n.stored(t, matrices, ownVector, ""), n.stored(t, pages, pageVector, "")
	answered := n.search(t, pages, ask)
	check := func(t *testing.T, n *node) {
		t.Helper()
		require.Equal(t, documents, n.stored(t, matrices, ownVector, ""))
		require.Equal(t, pageDocuments, n.stored(t, pages, pageVector, ""))
		hits := n.search(t, matrices, query{nearVector: n.vector(ownVector, q), limit: 60})
		requireExact(t, q, documents, 60, hits)
		require.Equal(t, answered, n.search(t, pages, ask))
	}
	restore := func(t *testing.T, n *node) {
		t.Helper()
		restored, err := n.rest.Backup().Restorer().WithBackend(filesystem).WithBackupID("all").
			WithIncludeClassNames(matrices, pages).WithWaitForCompletion(true).Do(t.Context())
		require.NoError(t, err)
		require.Equal(t, "SUCCESS", *restored.Status, restored.Error)
	}

	created, err := n.rest.Backup().Creator().WithBackend(filesystem).WithBackupID("all").
		WithIncludeClassNames(matrices, pages).WithWaitForCompletion(true).Do(t.Context())
	require.NoError(t, err)
	require.Equal(t, "SUCCESS", *created.Status, created.Error)
	check(t, n)

	t.Run("same server", func(t *testing.T) {
		// What is written after the backup must not come back.
		n.imports(t, matrixObjects(matrices, 60, 42))
		for _, class := range []string{matrices, pages} {
			require.NoError(t, n.rest.Schema().ClassDeleter().WithClassName(class).Do(t.Context()))
		}
		restore(t, n)
		check(t, n)
		// The restored index is a live one.
		n.imports(t, matrixObjects(matrices, 20, 43))
		now := n.stored(t, matrices, ownVector, "")
		requireExact(t, q, now, 60, n.search(t, matrices, query{nearVector: n.vector(ownVector, q), limit: 60}))
	})
	t.Run("new server", func(t *testing.T) {
		fresh := start(t, server.Options{Env: map[string]string{
			"BACKUP_FILESYSTEM_PATH": filepath.Join(n.Dir, "backups"),
		}})
		restore(t, fresh)
		check(t, fresh)
		require.NoError(t, fresh.Stop())
		require.NoError(t, fresh.Restart())
		check(t, fresh)
	})
}
