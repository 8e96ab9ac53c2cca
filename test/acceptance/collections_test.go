package acceptance

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/go-openapi/strfmt"
	"github.com/stretchr/testify/require"
	"github.com/weaviate/weaviate/entities/models"
)

// The names that the collections of these tests use.
const (
	vectorizer = "multi2multivec-colpali"
	pageVector = "colpali" // the named vector that the module makes of a page
	ownVector  = "own"     // a named vector that the client brings
)

// object is a JSON object of a schema.
type object = map[string]any

// plaid is the index that these tests are about, as a user writes it.
func plaid() object {
	return object{"multivector": object{"enabled": true, "plaid": object{"enabled": true}}}
}

// pageCollection stores pages and lets the module make their vectors.
func pageCollection(name string) *models.Class {
	return collection(name, pageVector, object{vectorizer: object{"imageFields": []any{"page"}}})
}

// matrixCollection stores matrices that the client brings: what the index answers is then known
// exactly, and no time is spent on a model.
func matrixCollection(name string) *models.Class {
	return collection(name, ownVector, object{"none": object{}})
}

func collection(name, vector string, module object) *models.Class {
	return &models.Class{
		Class: name,
		Properties: []*models.Property{
			{Name: "title", DataType: []string{"text"}},
			{Name: "number", DataType: []string{"int"}},
			{Name: "page", DataType: []string{"blob"}},
		},
		VectorConfig: map[string]models.VectorConfig{
			vector: {Vectorizer: module, VectorIndexType: "hnsw", VectorIndexConfig: plaid()},
		},
	}
}

// with returns class with the settings of its only named vector changed.
func with(class *models.Class, change func(*models.VectorConfig)) *models.Class {
	for name, vector := range class.VectorConfig {
		change(&vector)
		class.VectorConfig[name] = vector
	}
	return class
}

// create makes the collection, and removes it when the test ends.
func (n *node) create(t *testing.T, class *models.Class) {
	t.Helper()
	require.NoError(t, n.rest.Schema().ClassCreator().WithClass(class).Do(t.Context()))
	t.Cleanup(func() {
		// The test's own context is already done here.
		require.NoError(t, n.rest.Schema().ClassDeleter().WithClassName(class.Class).Do(context.Background()))
	})
}

// schema reads a collection back as the plain JSON that any client sees.
func (n *node) schema(t *testing.T, class string) (document struct {
	VectorConfig map[string]struct {
		Vectorizer        object `json:"vectorizer"`
		VectorIndexType   string `json:"vectorIndexType"`
		VectorIndexConfig object `json:"vectorIndexConfig"`
	} `json:"vectorConfig"`
},
) {
	t.Helper()
	n.get(t, "/schema/"+class, &document)
	return document
}

// settle waits until nothing is left in the queues of asynchronous indexing.
func (n *node) settle(t *testing.T) {
	t.Helper()
	var nodes struct {
		Nodes []struct {
			Shards []struct {
				Class             string `json:"class"`
				VectorQueueLength int    `json:"vectorQueueLength"`
				Status            string `json:"vectorIndexingStatus"`
			} `json:"shards"`
		} `json:"nodes"`
	}
	require.Eventually(t, func() bool {
		n.get(t, "/nodes?output=verbose", &nodes)
		for _, shard := range nodes.Nodes[0].Shards {
			if shard.VectorQueueLength > 0 || shard.Status == "INDEXING" {
				return false
			}
		}
		return true
	}, time.Minute, 100*time.Millisecond, "the queues of asynchronous indexing do not drain")
}

// uuid of the i-th object of a test: readable, and the same in every run.
func uuid(i int) strfmt.UUID {
	return strfmt.UUID(fmt.Sprintf("00000000-0000-4000-8000-%012d", i))
}
