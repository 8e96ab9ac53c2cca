package multivector

import (
	"context"
	"errors"

	"weaviate-colpali/maxsim"
)

// Source is where the vectors of the documents are stored.
type Source interface {
	// View opens a consistent view of the source as it is now. The caller closes
	// it.
	View() (View, error)
}

// View reads vectors. Its methods may be called at once, with different buffers.
type View interface {
	// Vectors reads the vectors of a document. The rows may lie in the memory of the
	// buffer and are valid until it is used again.
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

// ErrNotStored says that the source holds no document of an id.
var ErrNotStored = errors.New("the document is not stored")
