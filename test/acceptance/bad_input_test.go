package acceptance

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/jpeg"
	"math"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/weaviate/weaviate/entities/models"
)

// TestBadPages: a page that cannot be read fails alone, with a text that says which and why; what
// came with it and what was there before stays.
func TestBadPages(t *testing.T) {
	n := shared(t)
	const class = "BadPages"
	n.create(t, pageCollection(class))
	n.imports(t, pageObjects(t, class)[:2])
	before := n.stored(t, class, pageVector, "")
	good := renderPage(t, samples[2].text)

	tests := []struct {
		name string
		blob string
		want []string
	}{
		{"not base64", "this is not base64!", []string{"base64"}},
		{"one byte", "AA==", []string{"PNG", "JPEG"}},
		{"truncated PNG", encode(good[:len(good)/2]), []string{"truncated"}},
		{"PNG without pixels", encode(pngHeader(448, 448)), []string{"truncated"}},
		{"PDF", encode([]byte("%PDF-1.7 is no image")), []string{"PDF", "PNG"}},
		{"text", encode([]byte("hello")), []string{"PNG", "JPEG"}},
		{"PNG of 65535 x 65535", encode(pngHeader(65535, 65535)), []string{"65535 x 65535", "COLPALI_MAX_IMAGE_PIXELS"}},
		{"PNG of width 0", encode(pngHeader(0, 448)), []string{"PNG"}},
		{"JPEG of height 0", encode(jpegOfHeight(t, 0)), []string{"64 x 0"}},
		{"JPEG of 65535 x 65535", encode(jpegOfHeight(t, 65535)), []string{"65535 x 65535", "COLPALI_MAX_IMAGE_PIXELS"}},
	}
	for i, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			bad, ok := 100+10*i, 101+10*i
			check := func(failures []string) {
				require.NotEmpty(t, failures[0], "a bad page was accepted")
				for _, part := range append(test.want, "page") {
					require.Contains(t, failures[0], part)
				}
				require.Empty(t, failures[1], "a good page failed beside a bad one")
				require.Equal(t, http.StatusNotFound, n.status(t, class, bad), "a refused object was stored")
				require.Equal(t, http.StatusOK, n.status(t, class, ok))
			}
			pair := []*models.Object{pageObject(class, bad, "bad", test.blob), pageObject(class, ok, "good", encode(good))}
			check(batch(t, n.rest, pair...))
			check(batch(t, n.grpc, pair...))

			status, text := n.call(t, http.MethodPost, "/objects", pair[0])
			require.GreaterOrEqual(t, status, 400, text)
			require.Equal(t, http.StatusNotFound, n.status(t, class, bad))

			// An update must not cost the page that was there.
			update := pageObject(class, 0, "bad", test.blob)
			for _, method := range []string{http.MethodPut, http.MethodPatch} {
				status, text := n.call(t, method, "/objects/"+class+"/"+uuid(0).String(), update)
				require.GreaterOrEqual(t, status, 400, text)
			}
			require.NotEmpty(t, batch(t, n.rest, update)[0])
			require.Equal(t, samples[0].title, n.title(t, class, 0))

			n.refused(t, class, query{nearImage: n.image(test.blob), limit: 1}, test.want...)
		})
	}
	after := n.stored(t, class, pageVector, "")
	require.Equal(t, before[uuid(0).String()], after[uuid(0).String()])
	require.Equal(t, before[uuid(1).String()], after[uuid(1).String()])
	require.Len(t, after, 2+len(tests))
	q := after[uuid(1).String()][:8]
	requireExact(t, q, after, 5, n.search(t, class, query{nearVector: n.vector(pageVector, q), limit: 5}))
}

// TestBadQuestions: a question is text, whatever it says.
func TestBadQuestions(t *testing.T) {
	n := shared(t)
	const class = "BadQuestions"
	n.create(t, pageCollection(class))
	n.imports(t, pageObjects(t, class)[:3])

	for name, words := range map[string]string{"empty": "", "white space": " \t\n"} {
		t.Run(name, func(t *testing.T) {
			n.refused(t, class, query{nearText: n.text(words), limit: 1}, "empty")
		})
	}
	t.Run("1 MB", func(t *testing.T) {
		n.refused(t, class, query{nearText: n.text(strings.Repeat("whale ", 1<<20/6)), limit: 1}, "COLPALI_MAX_QUERY_BYTES")
	})
	t.Run("longer than the model reads", func(t *testing.T) {
		// Cut at the model's limit, so what comes after it changes nothing.
		long := strings.Repeat("whale ", 300)
		hits := n.search(t, class, query{nearText: n.text(long), limit: 3})
		require.Equal(t, hits, n.search(t, class, query{nearText: n.text(long + "tractor"), limit: 3}))
	})
	t.Run("several concepts", func(t *testing.T) {
		several := n.rest.GraphQL().NearTextArgBuilder().WithConcepts([]string{"blue", "whales"})
		one := n.search(t, class, query{nearText: n.text("blue whales"), limit: 3})
		require.Equal(t, one, n.search(t, class, query{nearText: several, limit: 3}))
	})
	for _, words := range []string{
		"<image>", "<image> <image> what is this", "<pad>", "<bos><eos>", "<|endoftext|>", "</s>",
		"\u0000\u0001", "a\u202eb", "日本語 の 質問", "🐋", `"quoted" {json: [1]}`,
	} {
		t.Run("literal "+words, func(t *testing.T) {
			hits := n.search(t, class, query{nearText: n.text(words), limit: 3})
			require.Len(t, hits, 3)
			for _, h := range hits {
				require.False(t, math.IsNaN(h.Distance) || math.IsInf(h.Distance, 0), "%v", h)
			}
		})
	}
}

// TestBadMatrices: vectors that no MaxSim can be made of are refused before anything is written.
func TestBadMatrices(t *testing.T) {
	n := shared(t)
	const class, count = "BadMatrices", 10
	n.create(t, matrixCollection(class))
	n.imports(t, matrixObjects(class, count, 10))
	documents := n.stored(t, class, ownVector, "")
	r := seeded(11)
	row := func(x float32) []float32 {
		row := make([]float32, matrixDim)
		row[3] = x
		return row
	}
	nan, inf := float32(math.NaN()), float32(math.Inf(1))

	tests := []struct {
		name string
		m    matrix
		json bool // send it as JSON; gRPC carries what JSON cannot
		want []string
	}{
		{"wider", randomMatrix(r, 3, matrixDim+1), true, []string{"21", "22"}},
		{"narrower", randomMatrix(r, 3, matrixDim-1), true, []string{"21", "20"}},
		{"ragged", matrix{row(1), row(1)[:matrixDim-1]}, true, nil},
		{"empty rows", matrix{{}}, true, nil},
		{"no rows", matrix{}, false, []string{"empty"}},
		{"NaN", matrix{row(1), row(nan)}, false, []string{"finite"}},
		{"infinite", matrix{row(inf)}, false, []string{"finite"}},
	}
	for i, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			bad, good := matrixObject(class, 100+i, test.m), matrixObject(class, 200+i, randomMatrix(r, 2, matrixDim))
			clients := map[string]func() []string{"gRPC": func() []string { return batch(t, n.grpc, bad, good) }}
			if test.json {
				clients = map[string]func() []string{"REST": func() []string { return batch(t, n.rest, bad, good) }}
			}
			for name, run := range clients {
				failures := run()
				require.NotEmpty(t, failures[0], "%s accepted it", name)
				for _, part := range test.want {
					require.Contains(t, failures[0], part)
				}
				require.Empty(t, failures[1], "a good object failed beside a bad one")
			}
			require.Equal(t, http.StatusNotFound, n.status(t, class, 100+i), "a refused object was stored")

			if test.json {
				status, text := n.call(t, http.MethodPost, "/objects", bad)
				require.GreaterOrEqual(t, status, 400, text)
				require.Equal(t, http.StatusNotFound, n.status(t, class, 100+i))
				update := matrixObject(class, 0, test.m)
				status, text = n.call(t, http.MethodPut, "/objects/"+class+"/"+uuid(0).String(), update)
				require.GreaterOrEqual(t, status, 400, text)
				_, err := n.searchGraphQL(t, class, query{nearVector: n.vector(ownVector, test.m), limit: 1})
				require.Error(t, err)
			} else {
				_, err := n.searchGRPC(t, class, query{nearVector: n.vector(ownVector, test.m), limit: 1})
				require.Error(t, err)
			}
			n.requireReady(t)
		})
	}
	after := n.stored(t, class, ownVector, "")
	require.Len(t, after, count+len(tests))
	for id, document := range documents {
		require.Equal(t, document, after[id])
	}
	q := randomMatrix(r, 4, matrixDim)
	requireExact(t, q, after, count, n.search(t, class, query{nearVector: n.vector(ownVector, q), limit: count}))
}

// TestNoMatrix: an object without vectors, which in JSON is also one with an empty list of them, is
// stored and is not found by vectors.
func TestNoMatrix(t *testing.T) {
	n := shared(t)
	const class = "NoMatrix"
	n.create(t, matrixCollection(class))
	without, empty := matrixObject(class, 0, nil), matrixObject(class, 1, matrix{})
	without.Vectors = nil
	with := matrixObject(class, 2, randomMatrix(seeded(12), 2, matrixDim))
	require.Equal(t, []string{"", "", ""}, batch(t, n.rest, without, empty, with))

	q := randomMatrix(seeded(13), 2, matrixDim)
	require.Equal(t, []string{with.ID.String()}, ids(n.search(t, class, query{nearVector: n.vector(ownVector, q), limit: 5})))
	for i := range 3 {
		require.Equal(t, http.StatusOK, n.status(t, class, i))
	}
}

// status of a read of one object: 200 or 404.
func (n *node) status(t *testing.T, class string, number int) int {
	t.Helper()
	status, _ := n.call(t, http.MethodGet, "/objects/"+class+"/"+uuid(number).String(), nil)
	return status
}

func encode(file []byte) string { return base64.StdEncoding.EncodeToString(file) }

// pngHeader is a PNG that claims a size and ends before its first pixel.
func pngHeader(width, height uint32) []byte {
	chunk := binary.BigEndian.AppendUint32([]byte("IHDR"), width)
	chunk = binary.BigEndian.AppendUint32(chunk, height)
	chunk = append(chunk, 8, 0, 0, 0, 0) // 8-bit grey, not interlaced
	file := append([]byte("\x89PNG\r\n\x1a\n"), 0, 0, 0, 13)
	file = append(file, chunk...)
	return binary.BigEndian.AppendUint32(file, crc32.ChecksumIEEE(chunk))
}

// jpegOfHeight is a well-formed JPEG whose header claims another height; 65535 stands for both sides.
func jpegOfHeight(t *testing.T, height uint16) []byte {
	t.Helper()
	var file bytes.Buffer
	require.NoError(t, jpeg.Encode(&file, image.NewGray(image.Rect(0, 0, 64, 64)), nil))
	// SOF0: marker, length, precision, height, width.
	frame := bytes.Index(file.Bytes(), []byte{0xff, 0xc0})
	require.Positive(t, frame)
	binary.BigEndian.PutUint16(file.Bytes()[frame+5:], height)
	if height == math.MaxUint16 {
		binary.BigEndian.PutUint16(file.Bytes()[frame+7:], height)
	}
	return file.Bytes()
}
