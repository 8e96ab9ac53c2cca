package acceptance

import (
	"encoding/base64"
	"flag"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/weaviate/weaviate/entities/models"

	"weaviate-colpali/test/acceptance/server"
)

var speed = flag.Int("speed", 0, "pages to compare our server with the published Weaviate and our embedding server by")

// TestStockSpeed prints how long imports and questions take each way, with the model that the environment names.
// It asserts no time.
func TestStockSpeed(t *testing.T) {
	if *speed == 0 {
		t.Skip("it measures, on an idle machine: go test -run TestStockSpeed -v . -args -speed 100")
	}
	ours := shared(t)
	model := ours.model(t).Name
	baseURL, pooling := server.StartEmbedder(t, stockKey), server.StartEmbedder(t, stockKey, "-pool", "3")
	stock := start(t, server.Options{Binary: server.Stock(t), Env: map[string]string{
		"ENABLE_MODULES": stockVectorizer, "JINAAI_APIKEY": stockKey,
	}})
	for _, way := range []struct {
		name  string
		n     *node
		class *models.Class
	}{
		{"our server, plaid", ours, pageCollection("SpeedPlaid")},
		{"stock, hnsw", stock, stockCollection("SpeedHNSW", model, baseURL, object{"enabled": true})},
		{"stock, hnsw, -pool 3", stock, stockCollection("SpeedPooled", model, pooling, object{"enabled": true})},
		{"stock, MUVERA", stock, stockCollection("SpeedMuvera", model, baseURL, object{"enabled": true, "muvera": object{"enabled": true}})},
	} {
		way.n.create(t, way.class)
		pages := distinctPages(t, way.class.Class, *speed)
		began := time.Now()
		for some := range slices.Chunk(pages, 16) {
			for _, failure := range batch(t, way.n.grpc, some...) {
				require.Empty(t, failure)
			}
		}
		imported := time.Since(began)
		took := make([]time.Duration, 0, 10*len(samples))
		for range 10 {
			for _, s := range samples {
				began := time.Now()
				hits, err := way.n.searchGRPC(t, way.class.Class, query{nearText: way.n.text(s.question), limit: 10})
				require.NoError(t, err)
				require.NotEmpty(t, hits)
				took = append(took, time.Since(began))
			}
		}
		slices.Sort(took)
		t.Logf("%-21s %5.1f pages/s imported, a question takes %.1f ms (median), %.1f ms (95 %%)", way.name,
			float64(len(pages))/imported.Seconds(), milliseconds(took[len(took)/2]), milliseconds(took[len(took)*95/100]))
	}
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// distinctPages are the samples with a number printed below.
func distinctPages(t *testing.T, class string, count int) []*models.Object {
	t.Helper()
	objects := make([]*models.Object, count)
	for i := range objects {
		s := samples[i%len(samples)]
		page := renderPage(t, fmt.Sprintf("%s\npage %d", s.text, i))
		objects[i] = pageObject(class, i, s.title, base64.StdEncoding.EncodeToString(page))
	}
	return objects
}
