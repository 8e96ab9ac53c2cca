package plaid

import (
	"context"
	"fmt"

	"github.com/sirupsen/logrus"
	"github.com/weaviate/weaviate/adapters/repos/db/helpers"
	"github.com/weaviate/weaviate/adapters/repos/db/lsmkv"
	"github.com/weaviate/weaviate/entities/storobj"

	"weaviate-colpali/multivector"
)

// Shard is what a Weaviate shard lends its index.
type Shard struct {
	Store        *lsmkv.Store // holds the bucket of objects
	TargetVector string       // the named vector that is indexed
	Class, Name  string       // of the collection and the shard, for messages
	Logger       logrus.FieldLogger
}

// Open makes the index of a shard whose object store is loaded.
func Open(ctx context.Context, shard Shard) (*Index, error) {
	ids, err := storedIDs(ctx, shard.Store)
	if err != nil {
		return nil, fmt.Errorf("list the documents of shard %q of %q: %w", shard.Name, shard.Class, err)
	}
	index := multivector.New(&objectStore{store: shard.Store, targetVector: shard.TargetVector})
	index.Load(ids)
	shard.Logger.WithFields(logrus.Fields{
		"action":        "open_plaid_index",
		"class":         shard.Class,
		"shard":         shard.Name,
		"target_vector": shard.TargetVector,
		"documents":     len(ids),
	}).Debug("opened plaid index")
	return &Index{documents: index, logger: shard.Logger}, nil
}

// storedIDs is the document id of every object in the store, whether it has a
// vector of this index or not: to tell, the objects would have to be read, half
// a megabyte each where they hold a page.
func storedIDs(ctx context.Context, store *lsmkv.Store) ([]uint64, error) {
	bucket, release := store.AcquireBucketForRead(helpers.ObjectsBucketLSM)
	defer release()
	if bucket == nil {
		return nil, errNoObjects
	}

	// A digest cursor reads the head of each object, which holds the id.
	cursor := bucket.CursorReplaceDigestReusable(storobj.MarshallerV1HeaderLen)
	defer cursor.Close()
	var ids []uint64
	for key, head := cursor.First(); key != nil; key, head = cursor.Next() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		id, _, err := storobj.DocIDAndTimeFromBinary(head)
		if err != nil {
			return nil, fmt.Errorf("object %x: %w", key, err)
		}
		ids = append(ids, id)
	}
	return ids, nil
}
