package acceptance

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/weaviate/weaviate/entities/models"

	"weaviate-colpali/test/acceptance/server"
)

// TestBusy: a server that has no place for another page says so by every interface, and what was refused can
// be tried again.
func TestBusy(t *testing.T) {
	n := start(t, server.Options{Env: map[string]string{"COLPALI_MAX_QUEUE": "1"}})
	const class = "Busy"
	n.create(t, pageCollection(class))
	n.imports(t, pageObjects(t, class)[:2])
	stop := occupy(t, n, class)
	// A page that is new each time: Weaviate keeps the vectors of an image that is stored already.
	next := 1000
	fresh := func() *models.Object {
		next++
		return pageObject(class, next, "page", samplePage(t, 1))
	}
	nearImage := query{nearImage: n.image(samplePage(t, 1)), limit: 1}
	for name, try := range map[string]func() string{
		"REST batch": func() string { return batch(t, n.rest, fresh())[0] },
		"gRPC batch": func() string { return batch(t, n.grpc, fresh())[0] },
		// Weaviate has no other status for it here than 500; the text tells.
		"REST object": func() string {
			status, text := n.call(t, http.MethodPost, "/objects", fresh())
			if status == http.StatusOK {
				return ""
			}
			return text
		},
		"GraphQL": func() string {
			_, err := n.searchGraphQL(t, class, nearImage)
			return textOf(err)
		},
		"gRPC search": func() string {
			_, err := n.searchGRPC(t, class, nearImage)
			if err != nil {
				require.ErrorContains(t, err, "code = ResourceExhausted")
			}
			return textOf(err)
		},
	} {
		// Between two imports of the other client the place is free for a moment, and then a try succeeds.
		const tries = 200
		said := ""
		for i := 0; i < tries && said == ""; i++ {
			said = try()
		}
		require.Contains(t, said, "vectorizer is busy: 1 calls for pages are waiting, which is the limit; try again later", name)
	}
	// Questions have places of their own.
	require.Len(t, n.search(t, class, query{nearText: n.text("tractor"), limit: 1}), 1)
	stop()
	require.Empty(t, batch(t, n.grpc, fresh())[0], "what was refused can be tried again")
}

// occupy imports new pages without end until stop is called. A request takes the model's time for a second or so.
func occupy(t *testing.T, n *node, class string) (stop func()) {
	t.Helper()
	var pages [32]string // as many as the module sends to the model at once
	for i := range pages {
		pages[i] = samplePage(t, i%len(samples))
	}
	stopping, stopped := make(chan struct{}), make(chan error, 1)
	go func() {
		for next := 10_000; ; next += len(pages) {
			select {
			case <-stopping:
				close(stopped)
				return
			default:
			}
			objects := make([]*models.Object, len(pages))
			for i, page := range pages {
				objects[i] = pageObject(class, next+i, "page", page)
			}
			if _, err := n.rest.Batch().ObjectsBatcher().WithObjects(objects...).Do(t.Context()); err != nil {
				stopped <- err
				return
			}
		}
	}()
	return func() {
		close(stopping)
		require.NoError(t, <-stopped)
	}
}

func textOf(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
