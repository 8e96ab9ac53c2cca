package vectorizer

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/png"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"weaviate-colpali/vectorizer/ort/orttest"
)

func onePNG(t *testing.T, c color.NRGBA) []byte {
	t.Helper()
	im := image.NewNRGBA(image.Rect(0, 0, 40, 30))
	for i := range 40 * 30 {
		im.SetNRGBA(i%40, i/40, c)
	}
	var blob bytes.Buffer
	require.NoError(t, png.Encode(&blob, im))
	return blob.Bytes()
}

func TestManifestSaysWhatBecomesOfTransparency(t *testing.T) {
	clear := onePNG(t, color.NRGBA{})
	for alpha, same := range map[string]color.NRGBA{"drop": {A: 255}, "white": {R: 255, G: 255, B: 255, A: 255}} {
		t.Run(alpha, func(t *testing.T) {
			files := modelFiles(t)
			files[manifestFile].Data = edited(t, set("image.alpha", alpha))
			v, err := Open(t.Context(), files, "", Options{Library: orttest.Library(t), Device: "cpu"})
			require.NoError(t, err)
			defer func() { require.NoError(t, v.Close()) }()
			embeddings, err := v.EmbedPages(t.Context(), [][]byte{clear, onePNG(t, same)})
			require.NoError(t, err)
			requireSame(t, embeddings[1:], embeddings[:1])
		})
	}
}

func TestPagesWaitForTheMemoryOfOthers(t *testing.T) {
	v := openRandom(t, Options{ImageMemory: 1 << 10})
	page := [][]byte{blankPNG(t, 100, 100)} // which needs more than all of it
	embeddings, err := v.EmbedPages(t.Context(), page)
	require.NoError(t, err)
	require.NoError(t, embeddings[0].Err)

	require.NoError(t, v.imageMemory.Acquire(t.Context(), 1))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = v.EmbedPages(ctx, page)
	require.ErrorIs(t, err, context.DeadlineExceeded)

	v.imageMemory.Release(1)
	embeddings, err = v.EmbedPages(t.Context(), page)
	require.NoError(t, err)
	require.NoError(t, embeddings[0].Err)
	require.True(t, v.imageMemory.TryAcquire(1<<10), "all of it was given back")
}
