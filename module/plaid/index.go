package plaid

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/weaviate/weaviate/adapters/repos/db/vector/common"

	plaidconfig "weaviate-colpali/config/plaid"
	"weaviate-colpali/maxsim"
	"weaviate-colpali/multivector"
)

// Index is the index of one named vector of one shard. Make one with [Open].
type Index struct {
	documents *multivector.Index
	dir       string // its folder
	config    atomic.Pointer[plaidconfig.Config]
	metrics   *metrics
	logger    logrus.FieldLogger
}

// ValidateMultiBeforeInsert refuses a matrix that must not be stored: Weaviate
// calls it before it writes an object, whichever way the object comes. The first
// matrix that passes decides the dimensions, see [multivector.Index.Admit].
func (x *Index) ValidateMultiBeforeInsert(vectors [][]float32) error {
	dim, err := maxsim.Check(vectors)
	if err != nil {
		return err
	}
	return translate(x.documents.Admit(context.Background(), dim))
}

// translate gives an error the meaning that Weaviate knows.
func translate(err error) error {
	if errors.Is(err, multivector.ErrDimension) {
		return wrongDimensions{err}
	}
	return err
}

// wrongDimensions is also Weaviate's own error of that meaning, by which its
// queue knows that trying again is no use.
type wrongDimensions struct{ error }

func (e wrongDimensions) Unwrap() []error { return []error{e.error, common.ErrWrongDimensions} }

// AddMulti makes one document findable, see [Index.AddMultiBatch].
func (x *Index) AddMulti(ctx context.Context, id uint64, vectors [][]float32) error {
	return x.AddMultiBatch(ctx, []uint64{id}, [][][]float32{vectors})
}

// AddMultiBatch makes documents findable whose objects are stored already. A
// document that is findable already, as after a restart with a filled queue, stays
// so.
//
// Where Weaviate sees too little memory, its error of that meaning comes back, and its
// queue tries again. The documents can be found all the same: without a queue nobody
// tries again, as an object that is imported once more with the same vectors does not
// come here.
func (x *Index) AddMultiBatch(ctx context.Context, ids []uint64, vectors [][][]float32) error {
	if len(ids) != len(vectors) {
		return fmt.Errorf("%d document ids for %d multi-vectors", len(ids), len(vectors))
	}
	for first := 0; first < len(ids); first += addBatch {
		end := min(first+addBatch, len(ids))
		if err := x.add(ctx, ids[first:end], vectors[first:end]); err != nil {
			return err
		}
	}
	return nil
}

// addBatch is how many documents are copied before they become codes, a quarter of
// their size: 32 pages are 17 MB. A queue brings thousands at once.
const addBatch = 32

func (x *Index) add(ctx context.Context, ids []uint64, vectors [][][]float32) error {
	documents := make([]multivector.Document, len(ids))
	for i, id := range ids {
		matrix, err := maxsim.FromRows(vectors[i])
		if err != nil {
			return fmt.Errorf("document %d: %w", id, err)
		}
		documents[i] = multivector.Document{ID: id, Vectors: matrix}
	}
	began := time.Now()
	if err := x.documents.Add(ctx, documents...); err != nil {
		x.metrics.show() // documents that memory refuses are there all the same
		return translate(err)
	}
	x.metrics.added(len(documents), began)
	return nil
}

// DeleteMulti makes documents no longer findable.
func (x *Index) DeleteMulti(ids ...uint64) error {
	began := time.Now()
	x.documents.Delete(ids...)
	x.metrics.removed(len(ids), began)
	return nil
}

// ContainsDoc reports whether a document is in the index. Between the opening of
// a shard and the first search, documents without vectors are, too: Weaviate asks
// in order to add what is missing, and of those it has nothing to add.
func (x *Index) ContainsDoc(id uint64) bool { return x.documents.Contains(id) }

// Iterate calls f with every document of which [Index.ContainsDoc] is true, until
// it returns false.
func (x *Index) Iterate(f func(id uint64) bool) { x.documents.IDs(f) }
