package multivector

import (
	"context"
	"errors"

	"weaviate-colpali/maxsim"
	"weaviate-colpali/multivector/internal/vfs"
)

// Source is where the vectors of the documents are stored.
type Source interface {
	// View opens a consistent view of the source as it is now. The caller closes
	// it.
	View() (View, error)
}

// View reads vectors. Its methods may be called at once, with different buffers.
type View interface {
	// Vectors finds the vectors of a document. The rows may lie in the memory of the
	// buffer or of the view, a mapped file for one: they are valid until the buffer is
	// used again or the view is closed, and are not written to.
	//
	// A document that is stored but has no vectors in this index has no rows. One
	// that is not stored (any more) is ErrNotStored.
	Vectors(ctx context.Context, id uint64, buffer *Buffer) (maxsim.Strided, error)

	// Close releases the view.
	Close()
}

// Buffer is memory for reading one document after another. A [View] grows and
// uses it as it likes; the zero Buffer is ready.
type Buffer struct {
	Bytes []byte
}

// read lets f read the vectors of a document where they lie. Memory that the disk cannot
// deliver is an error of this document, not the end of the process.
func read(ctx context.Context, view View, id uint64, buffer *Buffer, f func(vectors maxsim.Strided) error) (err error) {
	fault := vfs.Guard(func() {
		var vectors maxsim.Strided
		if vectors, err = view.Vectors(ctx, id, buffer); err == nil {
			err = f(vectors)
		}
	})
	if fault != nil {
		return fault
	}
	return err
}

// readCopy is a copy of a document's vectors.
func readCopy(ctx context.Context, view View, id uint64, buffer *Buffer) (copied maxsim.Matrix, err error) {
	err = read(ctx, view, id, buffer, func(vectors maxsim.Strided) error {
		copied = vectors.Matrix()
		return nil
	})
	return copied, err
}

// ErrNotStored says that the source holds no document of an id.
var ErrNotStored = errors.New("the document is not stored")
