package multivector

import (
	"context"
	"errors"
	"fmt"
)

// catchUpBatch is how many documents are read from the source before they become
// a part: 32 pages are 17 MB as they are stored.
const catchUpBatch = 32

// catchUp makes a part of documents that wait.
func (x *Index) catchUp(ctx context.Context) (done bool, err error) {
	ids := x.firstWaiting(catchUpBatch)
	if len(ids) == 0 {
		return false, nil
	}
	view, err := x.source.View()
	if err != nil {
		return false, fmt.Errorf("open a view of the stored documents: %w", err)
	}
	defer view.Close()

	var documents []Document
	var gone []uint64
	var buffer Buffer
	for _, id := range ids {
		vectors, err := readCopy(ctx, view, id, &buffer)
		switch {
		case errors.Is(err, ErrNotStored), err == nil && vectors.Rows() == 0:
			gone = append(gone, id)
		case err != nil:
			return false, fmt.Errorf("read document %d: %w", id, err)
		case x.Admit(ctx, vectors.Dim) != nil:
			// Another replica let it in. It cannot be searched together with the others.
			x.logger.Warn("a stored document has other dimensions than the index and is left out",
				"document", id, "dimensions", vectors.Dim)
			gone = append(gone, id)
		default:
			documents = append(documents, Document{ID: id, Vectors: vectors})
		}
	}
	x.Delete(gone...)
	if len(documents) == 0 {
		return true, nil
	}
	if err := x.room(documents); err != nil {
		return false, fmt.Errorf("%w: read documents from the object store: %w", errPutOff, err)
	}
	p, err := x.encode(documents)
	if err != nil {
		return false, err
	}
	return true, x.appendAwaited(p)
}

// firstWaiting is up to n documents that wait.
func (x *Index) firstWaiting(n int) []uint64 {
	x.mu.RLock()
	defer x.mu.RUnlock()
	var ids []uint64
	for id := range x.pending.each {
		if ids = append(ids, id); len(ids) == n {
			break
		}
	}
	return ids
}
