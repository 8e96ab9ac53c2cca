//go:build patched

package seams_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/weaviate/weaviate/adapters/clients"
	"github.com/weaviate/weaviate/entities/additional"
	"github.com/weaviate/weaviate/entities/aggregation"

	"weaviate-colpali/module/plaid"
)

// Both ways in which a query searches a shard of another node.
func TestPrecisionTravelsWithEverySearchOfAnotherNode(t *testing.T) {
	var received []string
	node := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		received = append(received, r.Header.Get(plaid.PrecisionHeader))
		w.WriteHeader(http.StatusTeapot) // one that is not tried again
	}))
	defer node.Close()
	host, remote := strings.TrimPrefix(node.URL, "http://"), clients.NewRemoteIndex(node.Client())
	for name, search := range map[string]func(context.Context) error{
		"search": func(ctx context.Context) error {
			_, _, _, err := remote.SearchShard(ctx, host, "Page", "shard", nil, nil, 0, 1, nil, nil, nil, nil, nil,
				additional.Properties{}, nil, nil)
			return err
		},
		"aggregate": func(ctx context.Context) error {
			_, err := remote.Aggregate(ctx, host, "Page", "shard", aggregation.Params{})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			received = nil
			for _, asked := range []string{"exact", ""} {
				ctx := context.WithValue(t.Context(), plaid.PrecisionHeader, []string{asked}) //nolint:staticcheck // as Weaviate does
				require.ErrorContains(t, search(ctx), "418")
			}
			require.Equal(t, []string{"exact", ""}, received)
			ctx := context.WithValue(t.Context(), plaid.PrecisionHeader, []string{"best"}) //nolint:staticcheck // as Weaviate does
			require.ErrorIs(t, search(ctx), plaid.ErrPrecision)
			require.Len(t, received, 2, "what is wrong is not sent")
		})
	}
}
