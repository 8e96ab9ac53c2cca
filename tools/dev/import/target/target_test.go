package target

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"weaviate-colpali/tools/dev/import/internal/stand"
	"weaviate-colpali/tools/dev/import/pages"
	"weaviate-colpali/tools/dev/rest"
)

func open(t *testing.T, s *stand.Server) (*Target, error) {
	t.Helper()
	client, err := rest.Connect(s.URL, "")
	require.NoError(t, err)
	return Open(t.Context(), client, "Page", "")
}

func sender(t *testing.T, s *stand.Server, patience time.Duration) *Sender {
	t.Helper()
	to, err := open(t, s)
	require.NoError(t, err)
	return to.NewSender(8, patience)
}

func objects(n int) []Object {
	all := make([]Object, n)
	for i := range all {
		d := pages.Document{Path: "a.pdf", SHA256: "00", Pages: n}
		all[i] = Object{Document: d, Page: pages.Page{Number: i + 1, Blob: []byte{1, 2, 3}, Width: 4, Height: 5, Text: "words"}}
	}
	return all
}

func TestStockServer(t *testing.T) {
	s := stand.New(t)
	s.Modules = map[string]any{"text2vec-openai": map[string]any{}}
	_, err := open(t, s)
	require.ErrorContains(t, err, "runs without the module multi2multivec-colpali")
	require.Zero(t, s.Writes())

	s.Modules = map[string]any{Module: map[string]any{"error": "the model is gone"}}
	_, err = open(t, s)
	require.ErrorContains(t, err, "the model is gone")
	require.Zero(t, s.Writes())
}

// A server that drops multivector.plaid keeps no collection that we made.
func TestIndexIsDropped(t *testing.T) {
	s := stand.New(t)
	s.DropPlaid = true
	_, err := open(t, s)
	require.ErrorContains(t, err, "multivector.plaid")
	require.Empty(t, s.Classes())
	require.Empty(t, s.Batches())
}

func TestCheckVectors(t *testing.T) {
	with := func(index string, plaid bool, images ...string) class {
		v := vector{Vectorizer: map[string]settings{"colpali": {ImageFields: images, Index: index}}}
		v.VectorIndexConfig.Multivector.Plaid.Enabled = plaid
		return class{Class: "C", VectorConfig: map[string]vector{"v": v}, Properties: written}
	}
	image, err := with("", true, "scan").check("")
	require.NoError(t, err)
	require.Equal(t, "scan", image)
	_, err = with("hnsw", false, "scan").check("")
	require.NoError(t, err, "somebody asked for plain hnsw in so many words")
	_, err = with("plaid", false, "scan").check("")
	require.ErrorContains(t, err, "no block multivector.plaid")
	_, err = with("", true, "a", "b").check("")
	require.ErrorContains(t, err, "several images, a, b")
	_, err = class{Class: "C"}.check("")
	require.ErrorContains(t, err, "no vector of the module")
	few := with("", true, "scan")
	few.Properties = few.Properties[1:]
	_, err = few.check("")
	require.ErrorContains(t, err, "text (text)")
}

func TestSend(t *testing.T) {
	s := stand.New(t)
	failed, err := sender(t, s, time.Minute).Send(t.Context(), objects(20))
	require.NoError(t, err)
	require.Empty(t, failed)
	require.Equal(t, []int{8, 8, 4}, s.Batches())
	stored := s.Objects()
	require.Len(t, stored, 20)
	require.Equal(t, stand.Object{Class: "Page", ID: objects(3)[2].ID(), Properties: map[string]any{
		"page": "AQID", "text": "words", "file": "a.pdf", "path": "a.pdf", "document": "00",
		"pageNumber": 3., "pageCount": 3., "width": 4., "height": 5.,
	}}, withCount(stored[objects(3)[2].ID()], 3.))
}

func withCount(o stand.Object, n float64) stand.Object {
	o.Properties["pageCount"] = n
	return o
}

func TestSendAgain(t *testing.T) {
	busy := "vectorizer is busy: 256 calls for pages are waiting, which is the limit; try again later, or raise COLPALI_MAX_QUEUE"
	for name, c := range map[string]struct {
		batch   func(s *stand.Server) func(n int, w http.ResponseWriter, sent []stand.Object) bool
		batches []int
		failed  int
	}{
		"the whole request": {func(*stand.Server) func(int, http.ResponseWriter, []stand.Object) bool {
			return func(n int, w http.ResponseWriter, _ []stand.Object) bool {
				if n == 1 {
					http.Error(w, "starting", http.StatusServiceUnavailable)
				}
				return n == 1
			}
		}, []int{8, 8}, 0},
		"some objects": {func(s *stand.Server) func(int, http.ResponseWriter, []stand.Object) bool {
			return func(n int, w http.ResponseWriter, sent []stand.Object) bool {
				if n > 1 {
					return false
				}
				s.Store(sent[3:]...)
				stand.Answer(w, busy, "image too large", busy, "", "", "", "", "")
				return true
			}
		}, []int{8, 2}, 1},
		// The first half of a request that was cut is stored, the rest comes in halves.
		"what is missing": {func(s *stand.Server) func(int, http.ResponseWriter, []stand.Object) bool {
			return func(n int, w http.ResponseWriter, sent []stand.Object) bool {
				if n > 1 {
					return false
				}
				s.Store(sent[:2]...)
				panic(http.ErrAbortHandler)
			}
		}, []int{8, 4, 2}, 0},
	} {
		s := stand.New(t)
		s.Batch = c.batch(s)
		failed, err := sender(t, s, time.Minute).Send(t.Context(), objects(8))
		require.NoError(t, err, name)
		require.Len(t, failed, c.failed, name)
		require.Equal(t, c.batches, s.Batches(), name)
		require.Len(t, s.Objects(), 8-c.failed, name)
	}
}

func TestSendGivesUp(t *testing.T) {
	for status, waits := range map[int]bool{
		http.StatusServiceUnavailable: true, http.StatusTooManyRequests: true,
		http.StatusUnauthorized: false, http.StatusForbidden: false, http.StatusUnprocessableEntity: false,
	} {
		s := stand.New(t)
		s.Batch = func(_ int, w http.ResponseWriter, _ []stand.Object) bool {
			http.Error(w, "no", status)
			return true
		}
		_, err := sender(t, s, time.Second).Send(t.Context(), objects(1))
		require.ErrorContains(t, err, fmt.Sprint(status))
		require.Equal(t, waits, len(s.Batches()) > 1, status)
		if waits {
			require.ErrorContains(t, err, "-resume")
		}
	}
}

func TestHeld(t *testing.T) {
	s := stand.New(t)
	to, err := open(t, s)
	require.NoError(t, err)
	all := objects(3)
	s.Store(stand.Object{ID: all[1].ID()})
	ids := []string{all[0].ID(), all[1].ID(), all[2].ID()}
	held, err := to.Held(t.Context(), ids)
	require.NoError(t, err)
	require.Equal(t, map[string]bool{ids[1]: true}, held)
}
