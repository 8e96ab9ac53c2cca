package acceptance

import (
	"maps"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/weaviate/weaviate/entities/models"

	"weaviate-colpali/test/acceptance/server"
)

// TestRestart: a stopped and a killed server answer as before.
func TestRestart(t *testing.T) {
	n := start(t, server.Options{})
	const matrices, pages = "RestartMatrices", "RestartPages"
	n.create(t, matrixCollection(matrices))
	n.create(t, pageCollection(pages))
	n.imports(t, matrixObjects(matrices, 50, 30))
	n.imports(t, pageObjects(t, pages)[:3])
	require.NoError(t, n.rest.Data().Deleter().WithClassName(matrices).WithID(uuid(7).String()).Do(t.Context()))

	q := randomMatrix(seeded(31), 5, matrixDim)
	near := query{nearVector: n.vector(ownVector, q), limit: 60}
	ask := query{nearText: n.text(samples[2].question), limit: 3}
	documents := n.stored(t, matrices, ownVector, "")
	require.Len(t, documents, 49)
	schema, found, answered := n.schema(t, pages), n.search(t, matrices, near), n.search(t, pages, ask)
	requireExact(t, q, documents, 60, found)

	for _, end := range []struct {
		name string
		end  func() error
	}{{"stop", n.Stop}, {"kill", n.Kill}, {"stop after kill", n.Stop}} {
		t.Run(end.name, func(t *testing.T) {
			require.NoError(t, end.end())
			require.NoError(t, n.Restart())
			require.Equal(t, schema, n.schema(t, pages))
			require.Equal(t, documents, n.stored(t, matrices, ownVector, ""))
			require.Equal(t, found, n.search(t, matrices, near))
			require.Equal(t, answered, n.search(t, pages, ask))
		})
	}
}

// TestKilledWhileWriting kills the server in the middle of imports, updates and deletes. After each
// restart what was acknowledged must be there, and the index must hold exactly what the store
// holds, whatever became of the operation that the kill has cut.
func TestKilledWhileWriting(t *testing.T) {
	for name, env := range map[string]map[string]string{
		"synchronous": nil, "asynchronous": {"ASYNC_INDEXING": "true"},
	} {
		t.Run(name, func(t *testing.T) { testKilledWhileWriting(t, env) })
	}
}

func testKilledWhileWriting(t *testing.T, env map[string]string) {
	const class, rounds = "Killed", 3
	n := start(t, server.Options{Env: env})
	n.create(t, matrixCollection(class))
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	w := writer{node: n, class: class, random: seeded(seed), acknowledged: map[string]matrix{}}
	for round := range rounds {
		operations := 30 + w.random.IntN(100)
		// Some part of one more operation: each takes a few milliseconds.
		later := time.Duration(w.random.IntN(5000)) * time.Microsecond
		reached := make(chan struct{})
		var writing sync.WaitGroup
		writing.Go(func() { w.run(t, operations, reached) })
		<-reached
		time.Sleep(later)
		require.NoError(t, n.Kill())
		writing.Wait()
		require.NoError(t, n.Restart())
		n.settle(t)
		w.check(t)
		t.Logf("round %d: killed %s after operation %d, %d objects stored", round, later, operations, len(w.acknowledged))
	}
}

// writer changes a collection at random and keeps book of what the server has acknowledged.
type writer struct {
	*node
	class        string
	random       *rand.Rand
	acknowledged map[string]matrix // what must be stored, by object id
	uncertain    map[string]bool   // ids of the operation that the kill has cut: both states are right
	imported     int               // objects imported so far; their numbers are below it
}

// run writes until the server is gone, and closes reached after a number of operations.
func (w *writer) run(t *testing.T, operations int, reached chan<- struct{}) {
	w.uncertain = map[string]bool{}
	for done := 0; ; done++ {
		if done == operations {
			close(reached)
		}
		var err error
		switch choice := w.random.IntN(10); {
		case choice < 4 || len(w.acknowledged) < 20:
			err = w.importBatch(t, w.imported, 1+w.random.IntN(5))
		case choice < 8:
			err = w.importBatch(t, w.random.IntN(w.imported), 1) // replaces, or brings back
		default:
			err = w.remove(t, w.random.IntN(w.imported))
		}
		if err != nil {
			if done < operations {
				t.Errorf("operation %d failed on a running server: %v", done, err)
				close(reached)
			}
			return
		}
	}
}

func (w *writer) importBatch(t *testing.T, first, count int) error {
	objects := make([]*models.Object, count)
	for i := range objects {
		objects[i] = matrixObject(w.class, first+i, randomMatrix(w.random, 1+w.random.IntN(8), matrixDim))
	}
	w.imported = max(w.imported, first+count)
	client := w.rest
	if w.random.IntN(2) == 0 {
		client = w.grpc
	}
	answers, err := client.Batch().ObjectsBatcher().WithObjects(objects...).Do(t.Context())
	for i, object := range objects {
		id := object.ID.String()
		if err == nil && failure(answers[i]) == "" {
			w.acknowledged[id] = object.Vectors[ownVector].(matrix)
		} else {
			w.uncertain[id] = true
		}
	}
	return err
}

func (w *writer) remove(t *testing.T, number int) error {
	id := uuid(number).String()
	if _, ok := w.acknowledged[id]; !ok {
		return nil
	}
	err := w.rest.Data().Deleter().WithClassName(w.class).WithID(id).Do(t.Context())
	if err != nil {
		w.uncertain[id] = true
		return err
	}
	delete(w.acknowledged, id)
	return nil
}

// check holds the restarted server against the book, and its index against its store.
func (w *writer) check(t *testing.T) {
	t.Helper()
	documents := w.stored(t, w.class, ownVector, "")
	certain := maps.Clone(documents)
	for id := range w.uncertain {
		delete(certain, id)
		delete(w.acknowledged, id)
	}
	require.Equal(t, w.acknowledged, certain, "the store differs from what was acknowledged")

	// A ranking of everything shows that the index holds each stored object, and nothing else.
	q := randomMatrix(w.random, 4, matrixDim)
	hits := w.search(t, w.class, query{nearVector: w.vector(ownVector, q), limit: 2 * len(documents)})
	requireExact(t, q, documents, len(documents), hits)
	const sample = 20
	for _, h := range hits[:min(sample, len(hits))] {
		hits := w.search(t, w.class, query{nearObject: w.object(h.ID), limit: 3})
		requireExact(t, documents[h.ID], documents, 3, hits)
	}
	w.acknowledged = documents
}
