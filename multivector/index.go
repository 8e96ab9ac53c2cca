package multivector

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"weaviate-colpali/maxsim"
)

// ErrDimension says that vectors or a query have other dimensions than the
// documents of the index.
var ErrDimension = errors.New("wrong number of dimensions")

// ErrClosed is the answer to whoever writes after [Index.Close].
var ErrClosed = errors.New("the index is closed")

// Index is a set of live documents. Make one with [Open].
type Index struct {
	source Source
	files  *files // nil: nothing is kept on disk
	logger *slog.Logger
	limits limits

	observer Observer
	readOnly func() bool       // see Options
	memory   func(int64) error // see Options

	// current is what searches work on.
	current atomic.Pointer[snapshot]

	// discards is odd while documents are moved out of parts that older snapshots have,
	// too.
	discards atomic.Int64

	mu    sync.RWMutex
	parts []*part
	// where is the live documents that are in a part, pending those that are not
	// yet. The worker reads these from the source and makes parts of them.
	where   map[uint64]place
	pending backlogs
	// generation is the codebook of new parts, nil before the first training.
	generation *generation
	tuning     tuning
	// changes is how many documents have come to parts and been deleted from them.
	changes int
	// dim is what every document has, 0 while nobody knows.
	dim    int
	closed bool

	// probing serialises the search for dim among loaded documents.
	probing sync.Mutex
	worker  worker

	holding sync.Mutex
	holds   int // calls of Hold without their Resume
}

// place is where a document is.
type place struct {
	*part
	row int
}

// Document is a multi-vector with its id. Ids are never used again.
type Document struct {
	ID      uint64
	Vectors maxsim.Matrix
}

// Add makes documents live. Adding a live document changes nothing. The source
// must hold their vectors already.
//
// Where [Options.Memory] refuses, its error comes back, and the documents are live all
// the same, since they are stored: the background makes their codes when it can.
func (x *Index) Add(ctx context.Context, documents ...Document) error {
	documents = x.withoutKnown(documents)
	for _, d := range documents {
		if err := x.Admit(ctx, d.Vectors.Dim); err != nil {
			return fmt.Errorf("document %d: %w", d.ID, err)
		}
	}
	if len(documents) == 0 {
		return nil
	}
	if err := x.room(documents); err != nil {
		return fmt.Errorf("add %d documents to the index: %w", len(documents), errors.Join(err, x.readLater(documents)))
	}
	p, err := x.encode(documents)
	if err != nil {
		return err
	}
	return x.append(p)
}

// room asks for the memory that adding documents takes: each number is copied, 4
// bytes, and becomes a code, 1 byte.
func (x *Index) room(documents []Document) error {
	numbers := 0
	for _, d := range documents {
		numbers += len(d.Vectors.Data)
	}
	return x.memory(5 * int64(numbers))
}

// readLater makes documents live whose codes the background is to make.
func (x *Index) readLater(documents []Document) error {
	ids := make([]uint64, len(documents))
	for i, d := range documents {
		ids[i] = d.ID
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.closed {
		return ErrClosed
	}
	x.await(ids)
	x.publish()
	x.worker.wake()
	return nil
}

// withoutKnown is the documents that are in no part yet: a queue that survived a
// crash repeats much.
func (x *Index) withoutKnown(documents []Document) []Document {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return slices.DeleteFunc(slices.Clone(documents), func(d Document) bool {
		_, known := x.where[d.ID]
		return known
	})
}

// append makes the documents of a new part live, but for those that have become so
// by another one.
func (x *Index) append(p *part) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.take(p)
}

// appendAwaited is append for documents that waited: those that were deleted while
// they were read stay so.
func (x *Index) appendAwaited(p *part) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	for row := range p.Documents() {
		if !x.pending.has(p.ID(row)) {
			p.bury(row)
		}
	}
	return x.take(p)
}

// take is append, x.mu held.
func (x *Index) take(p *part) error {
	if x.closed {
		return ErrClosed
	}
	x.place(p)
	x.publish()
	x.worker.wake()
	return nil
}

// place puts the documents of a part that are not deleted where they are found, x.mu
// held.
func (x *Index) place(p *part) {
	var placed []uint64
	for row := range p.Documents() {
		if p.dead.has(row) {
			continue
		}
		id := p.ID(row)
		if _, known := x.where[id]; known {
			p.bury(row)
			continue
		}
		x.where[id] = place{p, row}
		placed = append(placed, id)
	}
	x.changes += len(placed)
	x.pending = x.pending.without(placed)
	x.parts = append(x.parts, p)
}

// await puts ids that are in no part on a backlog, x.mu held.
func (x *Index) await(ids []uint64) {
	var missing []uint64
	for _, id := range ids {
		if _, known := x.where[id]; !known && !x.pending.has(id) {
			missing = append(missing, id)
		}
	}
	x.pending = slices.DeleteFunc(slices.Clone(x.pending), func(b *backlog) bool { return b.left.Load() == 0 })
	if len(missing) > 0 {
		slices.Sort(missing)
		x.pending = append(x.pending, newBacklog(slices.Compact(missing)))
	}
}

// Delete makes documents no longer live. Deleting one that is not live changes
// nothing.
func (x *Index) Delete(ids ...uint64) {
	if len(ids) == 0 { // as after nearly every search, which is not to wait for writers
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, id := range ids {
		if at, ok := x.where[id]; ok {
			at.bury(at.row)
			delete(x.where, id)
			x.changes++
		}
		x.pending.remove(id)
	}
}

// discard takes documents whose codes are damaged out of their parts. They stay
// live, and the worker makes their codes anew.
func (x *Index) discard(damaged []pick) (ids []uint64) {
	if len(damaged) == 0 {
		return nil
	}
	x.observer.DocumentsDamaged(len(damaged))
	x.mu.Lock()
	defer x.mu.Unlock()
	x.discards.Add(1)
	defer x.discards.Add(1)
	for _, d := range damaged {
		ids = append(ids, d.id)
		if at, ok := x.where[d.id]; ok && at == d.place {
			delete(x.where, d.id)
			at.bury(at.row)
		}
	}
	x.await(ids)
	x.logger.Warn("documents of the index are damaged and made anew from the object store", "documents", len(ids))
	x.publish()
	x.worker.wake()
	return ids
}

// Contains reports whether a document is live.
func (x *Index) Contains(id uint64) bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	_, in := x.where[id]
	return in || x.pending.has(id)
}

// Len is the number of live documents.
func (x *Index) Len() int {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return len(x.where) + x.pending.left()
}

// IDs calls yield with the id of every document that is live now, in ascending
// order, until it returns false. The index may be changed meanwhile.
func (x *Index) IDs(yield func(id uint64) bool) {
	for _, id := range x.ids() {
		if !yield(id) {
			return
		}
	}
}

func (x *Index) ids() []uint64 {
	x.mu.RLock()
	ids := slices.AppendSeq(make([]uint64, 0, len(x.where)), maps.Keys(x.where))
	ids = slices.AppendSeq(ids, x.pending.each)
	x.mu.RUnlock()
	slices.Sort(ids)
	return ids
}
