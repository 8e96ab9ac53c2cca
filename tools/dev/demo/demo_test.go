package main

import (
	"bytes"
	"encoding/json"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
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

// A page of 4 x 2 patches of 10 x 10 pixels; one token matched patch (2, 1), the next (1, 0).
func TestMatchedWords(t *testing.T) {
	p := page{
		File: "p.png",
		blob: pagePNG(t, 40, 20),
		Words: []word{
			{Text: "first", X0: 8, Y0: 1, X1: 19, Y1: 9},
			{Text: "unmatched", X0: 30, Y0: 1, X1: 39, Y1: 9},
			{Text: "second", X0: 21, Y0: 11, X1: 39, Y1: 19},
		},
	}
	var why explanation
	require.NoError(t, json.Unmarshal([]byte(`{"map": {"width": 4, "height": 2}, "tokens": [
		{"column": 2, "row": 1}, {"column": 1, "row": 0}, {"column": null, "row": null}, {"prompt": true, "column": 3, "row": 0}
	]}`), &why))
	words, err := why.matchedWords(p)
	require.NoError(t, err)
	require.Equal(t, []string{"first", "second"}, words, "in reading order")
	require.Equal(t, `"first second"`, describe(words))
}

func TestWriteReport(t *testing.T) {
	dir := t.TempDir()
	path, err := writeReport(dir, []answer{{
		question: question{Query: `a "quoted" <b>query</b>`},
		ranked:   []rankedPage{{page: page{Title: "A title"}, score: 1.5, matched: []string{"<script>"}, picture: "iVBORw0KGgo="}},
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
