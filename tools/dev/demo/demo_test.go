package main

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"weaviate-colpali/vectorizer"
)

func TestLoadSamples(t *testing.T) {
	set, err := loadSamples("pages")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(set.pages), 24)
	require.GreaterOrEqual(t, len(set.questions), 8)
	files := map[string]bool{}
	for _, p := range set.pages {
		size, err := p.size()
		require.NoError(t, err, p.File)
		require.False(t, files[p.File], "%s is listed twice", p.File)
		files[p.File] = true
		for _, w := range p.Words {
			require.True(t, 0 <= w.X0 && w.X0 < w.X1 && w.X1 <= float64(size.X), "%s: %v lies outside", p.File, w)
			require.True(t, 0 <= w.Y0 && w.Y0 < w.Y1 && w.Y1 <= float64(size.Y), "%s: %v lies outside", p.File, w)
		}
	}
	for _, q := range set.questions {
		require.NotEmpty(t, q.Expect, q.Query)
		for _, file := range q.Expect {
			require.True(t, files[file], "%q expects %s, which is no sample page", q.Query, file)
		}
	}
}

func TestVerdict(t *testing.T) {
	answered := func(first string) answer {
		return answer{
			question: question{Query: "q", Expect: []string{"right.png"}},
			ranked:   []rankedPage{{page: page{File: first}}, {page: page{File: "right.png"}}},
		}
	}
	var out bytes.Buffer
	require.NoError(t, verdict(&out, []answer{answered("right.png")}))
	require.Error(t, verdict(&out, []answer{answered("right.png"), answered("wrong.png")}))
	require.Error(t, verdict(&out, []answer{{question: question{Expect: []string{"right.png"}}}}), "no page at all is wrong")
}

// A page of 4 x 2 patches of 10 x 10 pixels; token 0 looks like patch 1, token 1 like patch 6.
func TestMatchFindsTheWordsUnderTheBestPatches(t *testing.T) {
	p := page{
		File: "p.png",
		blob: pagePNG(t, 40, 20),
		Words: []word{
			{Text: "first", X0: 8, Y0: 1, X1: 19, Y1: 9},
			{Text: "unmatched", X0: 30, Y0: 1, X1: 39, Y1: 9},
			{Text: "second", X0: 21, Y0: 11, X1: 39, Y1: 19},
		},
	}
	patches := make([][]float32, 8)
	for i := range patches {
		patches[i] = []float32{0, 0}
	}
	patches[1], patches[6] = []float32{1, 0}, []float32{0, 1}
	m := match{grid: vectorizer.Grid{Width: 4, Height: 2}}
	require.NoError(t, m.compare([][]float32{{0, 1}, {1, 0}}, patches))
	require.Equal(t, []int{6, 1}, m.best)
	require.Equal(t, []float32{0, 1, 0, 0, 0, 0, 1, 0}, m.heat)

	var err error
	m.words, err = m.wordsOf(p)
	require.NoError(t, err)
	require.Equal(t, []string{"first", "second"}, m.words, "in reading order")
	require.Equal(t, `"first second"`, m.describe())

	picture, err := overlay(p, m)
	require.NoError(t, err)
	drawn, err := png.Decode(bytes.NewReader(picture))
	require.NoError(t, err)
	require.NotEqual(t, color.NRGBA{255, 255, 255, 255}, at(drawn, 15, 5), "the best patch is painted")
	require.Equal(t, color.NRGBA{255, 255, 255, 255}, at(drawn, 5, 15), "a patch that matched nothing is not")
	require.Equal(t, frameColor, at(drawn, 9, 5), "the frame stands just outside the patch")
}

func TestOverlayOfAPageThatIsTheSameEverywhere(t *testing.T) {
	_, err := overlay(page{blob: pagePNG(t, 20, 20)}, match{grid: vectorizer.Grid{Width: 2, Height: 2}, heat: make([]float32, 4)})
	require.NoError(t, err)
}

func TestWriteReport(t *testing.T) {
	dir := t.TempDir()
	m := match{grid: vectorizer.Grid{Width: 1, Height: 1}, heat: []float32{1}, best: []int{0}, words: []string{"<script>"}}
	path, err := writeReport(dir, []answer{{
		question: question{Query: `a "quoted" <b>query</b>`},
		ranked:   []rankedPage{{page: page{Title: "A title", blob: pagePNG(t, 10, 10)}, score: 1.5, match: m}},
	}})
	require.NoError(t, err)
	require.Equal(t, filepath.Join(dir, "results.html"), path)
	html, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Contains(t, string(html), "data:image/png;base64,")
	require.Contains(t, string(html), "a &#34;quoted&#34; &lt;b&gt;query&lt;/b&gt;")
	require.NotContains(t, string(html), "<script>")
}

func pagePNG(t *testing.T, w, h int) []byte {
	t.Helper()
	im := image.NewNRGBA(image.Rect(0, 0, w, h))
	for i := range im.Pix {
		im.Pix[i] = 255
	}
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, im))
	return b.Bytes()
}

func at(im image.Image, x, y int) color.NRGBA {
	return color.NRGBAModel.Convert(im.At(x, y)).(color.NRGBA)
}
