package plaid

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/weaviate/weaviate/adapters/repos/db/helpers"
	"github.com/weaviate/weaviate/adapters/repos/db/lsmkv"
	"github.com/weaviate/weaviate/entities/storobj"
	"github.com/weaviate/weaviate/usecases/memwatch"
	"github.com/weaviate/weaviate/usecases/monitoring"

	plaidconfig "weaviate-colpali/config/plaid"
	"weaviate-colpali/multivector"
)

// Shard is what a Weaviate shard lends its index.
type Shard struct {
	Store        *lsmkv.Store // holds the bucket of objects
	TargetVector string       // the named vector that is indexed
	Dir          string       // the folder of the index, which need not exist
	Config       plaidconfig.Config
	Class, Name  string // of the collection and the shard, for messages
	Logger       logrus.FieldLogger
	Metrics      *monitoring.PrometheusMetrics // nil: monitoring is off

	// ReadOnly reports whether the shard is read-only now, as Weaviate makes it when
	// the disk fills up: then the index writes no files. It looks itself, since
	// Weaviate tells its own store and nobody else.
	ReadOnly func() bool

	// AllocChecker is Weaviate's opinion of how much more memory may be used. It has
	// one if GOMEMLIMIT is set.
	AllocChecker memwatch.AllocChecker
}

// DirSuffix ends the name of an index's folder inside its shard's. The patched
// Weaviate knows it, too, and removes such folders with what they belong to.
const DirSuffix = ".plaid.d"

// Open makes the index of a shard whose object store is loaded.
func Open(ctx context.Context, shard Shard) (*Index, error) {
	began := time.Now()
	ids, err := storedIDs(ctx, shard.Store)
	if err != nil {
		return nil, fmt.Errorf("list the documents of shard %q of %q: %w", shard.Name, shard.Class, err)
	}
	logger := shard.Logger.WithFields(logrus.Fields{
		"class": shard.Class, "shard": shard.Name, "target_vector": shard.TargetVector,
	})
	m := newMetrics(shard, logger)
	documents, err := multivector.Open(multivector.Options{
		Source: &objectStore{store: shard.Store, targetVector: shard.TargetVector},
		Stored: ids,
		Dir:    shard.Dir,

		ReadOnly: shard.ReadOnly,
		Memory:   shard.AllocChecker.CheckAlloc,

		Logger:   slog.New(logHandler{logger}),
		Observer: m,
	})
	if err != nil {
		m.closed()
		return nil, fmt.Errorf("shard %q of %q: %w", shard.Name, shard.Class, err)
	}
	m.opened(documents, began)
	tell(logger, "open_plaid_index", "opened plaid index", documents.Statistics())
	index := &Index{documents: documents, dir: shard.Dir, metrics: m, logger: logger}
	index.config.Store(&shard.Config)
	index.enter()
	return index, nil
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
