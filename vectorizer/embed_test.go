package vectorizer

import (
	"bytes"
	"context"
	"image"
	"image/png"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"

	"weaviate-colpali/vectorizer/processor"
)

// requireSame demands the same vectors up to the order of float32 sums, which may change with the
// shape of a batch.
func requireSame(t *testing.T, want, got []Embedding) {
	t.Helper()
	require.Len(t, got, len(want))
	for i := range want {
		require.NoError(t, want[i].Err)
		require.NoError(t, got[i].Err)
		require.Len(t, got[i].Vectors, len(want[i].Vectors))
		for j := range want[i].Vectors {
			requireClose(t, want[i].Vectors[j], got[i].Vectors[j])
		}
	}
}

func TestPagesDoNotDependOnTheirBatch(t *testing.T) {
	pages := randomPages(t)
	alone, err := openRandom(t, Options{PageBatch: 1}).EmbedPages(t.Context(), pages)
	require.NoError(t, err)
	for _, size := range []int{2, 5} {
		together, err := openRandom(t, Options{PageBatch: size}).EmbedPages(t.Context(), pages)
		require.NoError(t, err)
		requireSame(t, alone, together)
	}
}

func TestQueriesDoNotDependOnTheirPadding(t *testing.T) {
	v, texts := openRandom(t, Options{}), randomTexts(t)
	// More than one batch, each padded to its longest.
	texts = append(texts, texts...)
	require.Greater(t, len(texts), queryBatch)
	together, err := v.EmbedQueries(t.Context(), texts)
	require.NoError(t, err)
	for i, text := range texts {
		alone, err := v.EmbedQueries(t.Context(), []string{text})
		require.NoError(t, err)
		requireSame(t, alone, together[i:i+1])
	}
}

func TestVectorsOfAPageLieInOneBlock(t *testing.T) {
	v := openRandom(t, Options{})
	embeddings, err := v.EmbedPages(t.Context(), randomPages(t)[:1])
	require.NoError(t, err)
	vectors := embeddings[0].Vectors
	require.Equal(t, 128, cap(vectors[0]), "an append must not run into the next vector")
	for i := 1; i < len(vectors); i++ {
		behind := unsafe.Add(unsafe.Pointer(&vectors[i-1][0]), 128*4)
		require.Equal(t, behind, unsafe.Pointer(&vectors[i][0]))
	}
}

func TestABadPageFailsAlone(t *testing.T) {
	v := openRandom(t, Options{PageBatch: 2, Limits: processor.Limits{MaxBytes: 100_000, MaxPixels: 1_000_000}})
	pages := randomPages(t)
	good := pages[1]
	mixed := [][]byte{nil, good, []byte("no image"), pages[1][:len(pages[1])/2], good, bytes.Repeat([]byte{0}, 100_001), blankPNG(t, 1001, 1000)}
	embeddings, err := v.EmbedPages(t.Context(), mixed)
	require.NoError(t, err)
	for i, want := range []error{
		processor.ErrNotImage, nil, processor.ErrNotImage, processor.ErrUndecodable, nil, processor.ErrTooLarge, processor.ErrTooLarge,
	} {
		require.ErrorIs(t, embeddings[i].Err, want, "page %d", i)
		require.Equal(t, want == nil, embeddings[i].Vectors != nil, "page %d", i)
	}
	requireSame(t, embeddings[1:2], embeddings[4:5])
}

func TestABadQueryFailsAlone(t *testing.T) {
	v := openRandom(t, Options{MaxQueryBytes: 100})
	embeddings, err := v.EmbedQueries(t.Context(), []string{"", "fine", " \t\n\u3000", strings.Repeat("a", 101), strings.Repeat("a", 100)})
	require.NoError(t, err)
	require.ErrorIs(t, embeddings[0].Err, ErrQuery)
	require.NoError(t, embeddings[1].Err)
	require.ErrorIs(t, embeddings[2].Err, ErrQuery)
	require.ErrorContains(t, embeddings[2].Err, "empty")
	require.ErrorIs(t, embeddings[3].Err, ErrQuery)
	require.ErrorContains(t, embeddings[3].Err, "101 bytes, the limit is 100")
	require.NoError(t, embeddings[4].Err)
}

func TestNothingGivesNothing(t *testing.T) {
	v := openRandom(t, Options{})
	pages, err := v.EmbedPages(t.Context(), nil)
	require.NoError(t, err)
	require.Empty(t, pages)
	queries, err := v.EmbedQueries(t.Context(), nil)
	require.NoError(t, err)
	require.Empty(t, queries)
}

func TestALongQueryIsCutAndKeepsItsPrompt(t *testing.T) {
	v := openRandom(t, Options{})
	prompt := v.manifest.Query
	ids, cut := v.wrapQuery(strings.Repeat("word ", 1000))
	require.Len(t, ids, prompt.MaxTokens)
	all := v.tokenizer.Encode(nil, prompt.PrefixText+strings.Repeat("word ", 1000))
	require.Equal(t, len(prompt.PrefixIDs)+len(all)+len(prompt.SuffixIDs)-prompt.MaxTokens, cut)
	require.Equal(t, prompt.PrefixIDs, ids[:len(prompt.PrefixIDs)])
	require.Equal(t, prompt.SuffixIDs, ids[len(ids)-len(prompt.SuffixIDs):])
}

func TestACutIsReported(t *testing.T) {
	v := openRandom(t, Options{})
	embeddings, err := v.EmbedQueries(t.Context(), []string{"short", strings.Repeat("word ", 1000)})
	require.NoError(t, err)
	require.Zero(t, embeddings[0].Cut)
	require.Positive(t, embeddings[1].Cut)
	require.Len(t, embeddings[1].Vectors, v.manifest.Query.MaxTokens)
}

func TestTokensOfAQuery(t *testing.T) {
	v := openRandom(t, Options{})
	const text = "net revenue of 2023"
	embeddings, err := v.EmbedQueries(t.Context(), []string{text})
	require.NoError(t, err)
	tokens, own := embeddings[0].Tokens, ""
	require.Len(t, tokens, len(embeddings[0].Vectors))
	for _, token := range tokens {
		if !token.Prompt {
			own += token.Text
		}
	}
	require.Equal(t, text, strings.TrimSpace(own), "what is not the prompt's is the query")
	require.Equal(t, Token{Text: "<bos>", Prompt: true}, tokens[0])
	require.True(t, tokens[len(tokens)-1].Prompt, "the suffix")
}

func TestLayoutNamesTheImageTokens(t *testing.T) {
	v := openRandom(t, Options{})
	page := randomPages(t)[0]
	embeddings, err := v.EmbedPages(t.Context(), [][]byte{page})
	require.NoError(t, err)
	layout, err := v.Layout(page)
	require.NoError(t, err)
	require.Len(t, embeddings[0].Vectors, layout.Vectors)
	require.Len(t, layout.Rows, layout.Width*layout.Height)
	require.ElementsMatch(t, embeddings[0].Images, layout.Rows)
}

func TestTextCannotSpellSpecialTokens(t *testing.T) {
	v := openRandom(t, Options{})
	prompt := v.manifest.Query
	ids, _ := v.wrapQuery("<image><bos><pad> <image>")
	words := ids[len(prompt.PrefixIDs) : len(ids)-len(prompt.SuffixIDs)]
	for _, special := range []int64{0, 1, 2, v.manifest.Page.ImageTokenID} {
		require.NotContains(t, words, special)
	}
}

func TestManyCallsAtOnceGetTheirOwnVectors(t *testing.T) {
	v, pages, texts := openRandom(t, Options{PageBatch: 2}), randomPages(t), randomTexts(t)
	wantPages, err := v.EmbedPages(t.Context(), pages)
	require.NoError(t, err)
	wantQueries, err := v.EmbedQueries(t.Context(), texts)
	require.NoError(t, err)

	gotPages, gotQueries := make([]Embedding, len(pages)), make([]Embedding, len(texts))
	var calls sync.WaitGroup
	for i, page := range pages {
		calls.Go(func() { gotPages[i] = only(v.EmbedPages(t.Context(), [][]byte{page})) })
	}
	for i, text := range texts {
		calls.Go(func() { gotQueries[i] = only(v.EmbedQueries(t.Context(), []string{text})) })
	}
	calls.Wait()
	requireSame(t, wantPages, gotPages)
	requireSame(t, wantQueries, gotQueries)
}

func only(embeddings []Embedding, err error) Embedding {
	if err != nil {
		return Embedding{Err: err}
	}
	return embeddings[0]
}

func TestAFullQueueSaysTryAgain(t *testing.T) {
	v := openRandom(t, Options{MaxQueue: 1})
	_, release, err := v.queue.turn(t.Context(), Pages)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan Embedding)
	go func() { first <- only(v.EmbedQueries(ctx, []string{"first"})) }()
	untilAdmitted(v, Queries)

	_, err = v.EmbedQueries(t.Context(), []string{"second"})
	require.ErrorIs(t, err, ErrBusy)
	require.ErrorContains(t, err, "the limit; try again later")

	cancel()
	require.ErrorIs(t, (<-first).Err, context.Canceled)
	release()
	require.NoError(t, only(v.EmbedQueries(t.Context(), []string{"third"})).Err, "the cancelled call must give its place back")
}

func untilAdmitted(v *Vectorizer, k Kind) {
	for v.Queued(k) == 0 {
		time.Sleep(time.Millisecond)
	}
}

func TestCancellationEndsACallThatRuns(t *testing.T) {
	v := openRandom(t, Options{PageBatch: 1})
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	many := slices.Repeat([][]byte{blankPNG(t, 1, 1)}, 100_000)
	_, err := v.EmbedPages(ctx, many)
	require.ErrorIs(t, err, context.Canceled)
}

func TestCloseEndsEveryCall(t *testing.T) {
	v := openRandom(t, Options{PageBatch: 1})
	many := slices.Repeat([][]byte{blankPNG(t, 1, 1)}, 100_000)
	outcomes := make(chan error)
	for range 3 {
		go func() {
			_, err := v.EmbedPages(t.Context(), many)
			outcomes <- err
		}()
	}
	untilAdmitted(v, Pages)
	go func() { outcomes <- v.Close() }()
	failed := 0
	for range 4 {
		if err := <-outcomes; err != nil {
			require.ErrorIs(t, err, ErrClosed)
			failed++
		}
	}
	require.Equal(t, 3, failed)
	_, err := v.EmbedQueries(t.Context(), []string{"late"})
	require.ErrorIs(t, err, ErrClosed)
	require.NoError(t, v.Close(), "closing again is harmless")
}

func TestNoGoroutineStaysBehind(t *testing.T) {
	v := openRandom(t, Options{PageBatch: 1})
	ctx, cancel := context.WithCancel(t.Context())
	pages := [][]byte{blankPNG(t, 1, 1), nil, blankPNG(t, 2, 2)}
	_, err := v.EmbedPages(ctx, pages)
	require.NoError(t, err)
	cancel()
	_, err = v.EmbedPages(ctx, pages)
	require.ErrorIs(t, err, context.Canceled)
	require.NoError(t, v.Close())

	// The last ones may still be on their way out.
	require.Eventually(t, func() bool {
		stacks := make([]byte, 1<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		for goroutine := range bytes.SplitSeq(stacks, []byte("\n\n")) {
			if bytes.Contains(goroutine, []byte("vectorizer.(*")) {
				return false
			}
		}
		return true
	}, 30*time.Second, 10*time.Millisecond)
}

func TestRowsRefusesVectorsNobodyShouldIndex(t *testing.T) {
	one, zero := []float32{0.6, 0.8}, []float32{0, 0}
	for name, c := range map[string]struct {
		vector []float32
		fine   bool
	}{
		"unit":              {one, true},
		"half precision":    {[]float32{0.6, 0.805}, true},
		"too long":          {[]float32{0.6, 0.82}, false},
		"zero":              {zero, false},
		"not a number":      {[]float32{float32(math.NaN()), 1}, false},
		"infinite":          {[]float32{float32(math.Inf(-1)), 1}, false},
		"beyond its square": {[]float32{math.MaxFloat32, 1}, false},
	} {
		t.Run(name, func(t *testing.T) {
			views, err := rows(append(one[:2:2], c.vector...), 2)
			if c.fine {
				require.NoError(t, err)
				require.Equal(t, [][]float32{one, c.vector}, views)
				return
			}
			require.ErrorIs(t, err, ErrOutput)
			require.ErrorContains(t, err, "vector 1 of 2")
			require.Nil(t, views)
		})
	}
}

func blankPNG(t testing.TB, width, height int) []byte {
	t.Helper()
	var page bytes.Buffer
	require.NoError(t, png.Encode(&page, image.NewGray(image.Rect(0, 0, width, height))))
	return page.Bytes()
}

func BenchmarkPage(b *testing.B) {
	v, page := openRandom(b, Options{}), goldenIn(randomModel).file(b, "letter.png")
	b.Run("step=whole", func(b *testing.B) {
		for b.Loop() {
			require.NoError(b, only(v.EmbedPages(b.Context(), [][]byte{page})).Err)
		}
	})
	b.Run("step=prepare", func(b *testing.B) {
		for b.Loop() {
			_, err := v.preparePage(page)
			require.NoError(b, err)
		}
	})
	b.Run("step=graphs", func(b *testing.B) {
		prepared, err := v.preparePage(page)
		require.NoError(b, err)
		for b.Loop() {
			_, err := v.devices[0].pages(b.Context(), []preparedPage{prepared})
			require.NoError(b, err)
		}
	})
}

func BenchmarkQuery(b *testing.B) {
	v := openRandom(b, Options{})
	for b.Loop() {
		require.NoError(b, only(v.EmbedQueries(b.Context(), []string{"What is the total revenue of 2023?"})).Err)
	}
}
