package plaid

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/weaviate/weaviate/adapters/repos/db/helpers"
	"github.com/weaviate/weaviate/adapters/repos/db/lsmkv"

	"weaviate-colpali/maxsim"
	"weaviate-colpali/multivector"
)

var errNoObjects = errors.New("the shard's object store is closed")

// objectStore reads the vectors of documents from a shard's objects.
type objectStore struct {
	store        *lsmkv.Store
	targetVector string
}

// View pins the object store as it is now, so that no compaction takes away what
// a search reads.
func (s *objectStore) View() (multivector.View, error) {
	bucket := s.store.AcquireBucketConsistentViewForRead(helpers.ObjectsBucketLSM)
	if bucket.Bucket == nil {
		return nil, errNoObjects
	}
	if view, ok := any(bucket).(inPlace); ok {
		bucket = view.InPlace()
	}
	return &objectView{bucket: bucket, targetVector: s.targetVector}, nil
}

// inPlace is a view of the patched Weaviate, which can do without copying objects. The
// unpatched one, with which the unit tests run, copies them into the buffer.
type inPlace interface {
	InPlace() lsmkv.BucketConsistentView
}

type objectView struct {
	bucket       lsmkv.BucketConsistentView
	targetVector string
}

// Vectors finds the vectors in the object, where they stay. Weaviate's own way
// (storobj.MultiVectorFromBinary) allocates every row anew, on every query.
func (v *objectView) Vectors(ctx context.Context, id uint64, buffer *multivector.Buffer) (maxsim.Strided, error) {
	var key [8]byte
	binary.LittleEndian.PutUint64(key[:], id)
	object, grown, err := v.bucket.Bucket.GetBySecondaryWithBufferAndView(
		ctx, helpers.ObjectsBucketLSMDocIDSecondaryIndex, key[:], buffer.Bytes, v.bucket)
	if err != nil {
		return maxsim.Strided{}, fmt.Errorf("read the object: %w", err)
	}
	buffer.Bytes = grown
	if object == nil {
		return maxsim.Strided{}, multivector.ErrNotStored
	}
	return findVectors(object, v.targetVector)
}

func (v *objectView) Close() { v.bucket.ReleaseView() }
