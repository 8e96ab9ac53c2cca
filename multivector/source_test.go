//go:build unix

package multivector

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"weaviate-colpali/maxsim"
	"weaviate-colpali/multivector/internal/vfs"
)

// unreadable is a source that leaves one document in a mapped file, of which the disk
// delivers nothing any more.
type unreadable struct {
	*memory
	document uint64
	mapped   []byte
	finds    bool // where the document's vectors are; otherwise looking for them faults already
}

func newUnreadable(t *testing.T, document uint64) *unreadable {
	t.Helper()
	root := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(root, "objects"), make([]byte, os.Getpagesize()), 0o600))
	mapping, err := vfs.OS(root).Map("objects")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, mapping.Close()) })
	require.NoError(t, os.Truncate(filepath.Join(root, "objects"), 0))
	return &unreadable{memory: newMemory(), document: document, mapped: mapping.Bytes(), finds: true}
}

func (u *unreadable) View() (View, error) {
	u.open.Add(1)
	return u, nil
}

func (u *unreadable) Vectors(ctx context.Context, id uint64, buffer *Buffer) (maxsim.Strided, error) {
	if id != u.document {
		return u.memory.Vectors(ctx, id, buffer)
	}
	if !u.finds {
		return maxsim.Strided{Data: u.mapped, Dim: int(u.mapped[0]), Stride: 8}, nil
	}
	return maxsim.Strided{Data: u.mapped, Dim: 2, Stride: 8}, nil
}

// What the disk cannot read is an error that names the document, wherever it is read, and
// leaves no view open.
func TestAStoredDocumentThatCannotBeReadIsAnError(t *testing.T) {
	ctx := context.Background()
	query := pack(t, matrix(2, 1, 0))
	for name, finds := range map[string]bool{"its vectors": true, "where they are": false} {
		t.Run(name, func(t *testing.T) {
			source := newUnreadable(t, 7)
			source.finds = finds
			source.put(3, matrix(2, 1, 0))
			x := newIndex(t, source, 3, 7)

			_, err := x.Search(ctx, query, 2, SearchOptions{})
			require.ErrorIs(t, err, vfs.ErrFault)
			require.ErrorContains(t, err, "document 7: memory fault")
			_, err = x.Score(ctx, query, 7)
			require.ErrorIs(t, err, vfs.ErrFault)
			require.ErrorContains(t, err, "score document 7: memory fault")
			require.Zero(t, source.open.Load())

			got, err := x.Search(ctx, query, 2, SearchOptions{Filter: idSet{3: true}})
			require.NoError(t, err)
			require.Equal(t, []Result{{3, 1}}, got, "the others are found")
		})
	}
	t.Run("how many dimensions it has", func(t *testing.T) {
		source := newUnreadable(t, 7)
		source.finds = false
		x := newIndex(t, source, 7)
		require.ErrorContains(t, x.Admit(ctx, 2), "read document 7: memory fault")
		_, err := x.Search(ctx, query, 1, SearchOptions{})
		require.ErrorIs(t, err, vfs.ErrFault)
		require.Zero(t, source.open.Load())
	})
	t.Run("in the background", func(t *testing.T) {
		source := newUnreadable(t, 7)
		var log bytes.Buffer
		x, err := Open(Options{Source: source, Stored: []uint64{7}, idle: true, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		require.NoError(t, err)
		require.NoError(t, x.Admit(ctx, 2))
		require.False(t, x.step(ctx))
		require.Contains(t, log.String(), "read document 7: memory fault")
		require.Zero(t, source.open.Load())

		source.document = 0 // the disk is mended
		source.put(7, matrix(2, 1, 0))
		settle(t, x)
		require.Zero(t, x.pending.left())
	})
}
