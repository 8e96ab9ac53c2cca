package acceptance

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/weaviate/weaviate-go-client/v5/weaviate"
	"github.com/weaviate/weaviate/entities/models"
)

// batch imports objects and returns, for each of them, the text of its failure; empty: it is stored.
func batch(t *testing.T, client *weaviate.Client, objects ...*models.Object) []string {
	t.Helper()
	answers, err := client.Batch().ObjectsBatcher().WithObjects(objects...).Do(t.Context())
	require.NoError(t, err)
	require.Len(t, answers, len(objects))
	failures := make([]string, len(objects))
	for i, answer := range answers {
		failures[i] = failure(answer)
	}
	return failures
}

func failure(answer models.ObjectsGetResponse) string {
	if answer.Result == nil || answer.Result.Errors == nil {
		return ""
	}
	text := ""
	for _, item := range answer.Result.Errors.Error {
		text += item.Message
	}
	if text == "" {
		return "failed without a text"
	}
	return text
}

// imports stores all objects, the first half over HTTP and the second over gRPC, and waits until
// they can be found.
func (n *node) imports(t *testing.T, objects []*models.Object) {
	t.Helper()
	half := len(objects) / 2
	for i, failure := range append(batch(t, n.rest, objects[:half]...), batch(t, n.grpc, objects[half:]...)...) {
		require.Empty(t, failure, "object %d", i)
	}
	n.settle(t)
}

// matrixObject is an object that brings its own vectors.
func matrixObject(class string, number int, m matrix) *models.Object {
	return &models.Object{
		Class: class, ID: uuid(number),
		Properties: object{"title": fmt.Sprintf("matrix %d", number), "number": number},
		Vectors:    models.Vectors{ownVector: m},
	}
}

// matrixObjects are count objects with random matrices of 1 to 12 rows, numbered from 0.
func matrixObjects(class string, count int, seed uint64) []*models.Object {
	r := seeded(seed)
	objects := make([]*models.Object, count)
	for i := range objects {
		objects[i] = matrixObject(class, i, randomMatrix(r, 1+r.IntN(12), matrixDim))
	}
	return objects
}

// matrixDim is the width of the tests' own matrices. It is none that a kernel could be made for.
const matrixDim = 21

// title of an object as it is stored now.
func (n *node) title(t *testing.T, class string, number int) string {
	t.Helper()
	var stored struct {
		Properties struct {
			Title string `json:"title"`
		} `json:"properties"`
	}
	n.get(t, fmt.Sprintf("/objects/%s/%s", class, uuid(number)), &stored)
	return stored.Properties.Title
}
