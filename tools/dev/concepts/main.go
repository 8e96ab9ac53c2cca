// Command concepts draws the pictures of docs/concepts.md: a page cut into patches, and what each word of a
// question found on it. The embedded demo model looks at a sample page of the demo.
//
//	COLPALI_ONNXRUNTIME=build/onnxruntime/lib/libonnxruntime.so go run ./tools/dev/concepts
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"os"
	"path/filepath"

	"weaviate-colpali/config"
	"weaviate-colpali/maxsim"
	"weaviate-colpali/vectorizer"
	"weaviate-colpali/vectorizer/operator"
	"weaviate-colpali/vectorizer/similarity"
	"weaviate-colpali/vectorizer/tinymodel"
)

const (
	sample   = "tools/dev/demo/pages/minutes.png"
	question = "repair the roof"
	width    = 420 // of a drawn page, in pixels
)

func main() {
	out := flag.String("o", "docs/pictures", "folder for the pictures")
	flag.Parse()
	if err := run(context.Background(), *out); err != nil {
		fmt.Fprintln(os.Stderr, "concepts:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out string) error {
	settings, err := config.RuntimeFromEnv(os.LookupEnv)
	if err != nil {
		return err
	}
	model, err := vectorizer.Open(ctx, tinymodel.FS(), "", operator.Options(settings, nil))
	if err != nil {
		return err
	}
	page, err := os.ReadFile(sample)
	if err != nil {
		return err
	}
	words, patches, err := match(ctx, model, page)
	if err != nil {
		return err
	}
	pictures := map[string][]panel{
		"patches.png": {{picture: patches}},
		"maxsim.png":  words,
	}
	for name, panels := range pictures {
		if err := write(filepath.Join(out, name), beside(panels)); err != nil {
			return err
		}
	}
	return model.Close()
}

// match is a panel for each word of the question, and the page with the patches it was cut into.
func match(ctx context.Context, model *vectorizer.Vectorizer, page []byte) (words []panel, patches draw.Image, err error) {
	layout, err := model.Layout(page)
	if err != nil {
		return nil, nil, err
	}
	rows, query, err := embed(ctx, model, page)
	if err != nil {
		return nil, nil, err
	}
	scored, err := maxsim.FromRows(query.Vectors)
	if err != nil {
		return nil, nil, err
	}
	packed, err := maxsim.NewQuery(scored)
	if err != nil {
		return nil, nil, err
	}
	for i, m := range packed.Match(nil, rows) {
		if query.Tokens[i].Prompt {
			continue
		}
		similarities := make([]float32, len(layout.Rows))
		best := 0
		for patch, row := range layout.Rows {
			similarities[patch] = dot(query.Vectors[i], rows.Row(row))
			if row == m.Row {
				best = patch
			}
		}
		drawn, err := paint(model, page, layout.Grid, similarities, []int{best})
		if err != nil {
			return nil, nil, err
		}
		words = append(words, panel{drawn, fmt.Sprintf("%s   %.2f", query.Tokens[i].Text, m.Score)})
	}
	patches, err = grid(model, page, layout.Grid)
	return words, patches, err
}

func embed(ctx context.Context, model *vectorizer.Vectorizer, page []byte) (maxsim.Matrix, vectorizer.Embedding, error) {
	pages, err := model.EmbedPages(ctx, [][]byte{page})
	if err != nil {
		return maxsim.Matrix{}, vectorizer.Embedding{}, err
	}
	queries, err := model.EmbedQueries(ctx, []string{question})
	if err != nil {
		return maxsim.Matrix{}, vectorizer.Embedding{}, err
	}
	rows, err := maxsim.FromRows(pages[0].Vectors)
	return rows, queries[0], err
}

func dot(a, b []float32) (sum float32) {
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}

// paint is the page with one word's similarity map, as the server draws it.
func paint(model *vectorizer.Vectorizer, page []byte, g vectorizer.Grid, values []float32, best []int) (draw.Image, error) {
	decoded, err := model.DecodePage(page)
	if err != nil {
		return nil, err
	}
	m, err := similarity.New(g.Width, g.Height, values, best)
	if err != nil {
		return nil, err
	}
	var file bytes.Buffer
	if err := m.WritePNG(&file, decoded, width); err != nil {
		return nil, err
	}
	drawn, err := png.Decode(&file)
	if err != nil {
		return nil, err
	}
	canvas := image.NewNRGBA(drawn.Bounds())
	draw.Draw(canvas, canvas.Bounds(), drawn, image.Point{}, draw.Src)
	return canvas, nil
}

// grid is the page with a line around every patch.
func grid(model *vectorizer.Vectorizer, page []byte, g vectorizer.Grid) (draw.Image, error) {
	plain, err := paint(model, page, g, make([]float32, g.Width*g.Height), nil)
	if err != nil {
		return nil, err
	}
	size := plain.Bounds().Size()
	line := image.NewUniform(color.NRGBA{R: 0xff, G: 0x6a, A: 0x70})
	for column := range g.Width + 1 {
		x := column * (size.X - 1) / g.Width
		draw.Draw(plain, image.Rect(x, 0, x+1, size.Y), line, image.Point{}, draw.Over)
	}
	for row := range g.Height + 1 {
		y := row * (size.Y - 1) / g.Height
		draw.Draw(plain, image.Rect(0, y, size.X, y+1), line, image.Point{}, draw.Over)
	}
	return plain, nil
}

func write(name string, picture image.Image) error {
	var file bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&file, picture); err != nil {
		return err
	}
	return os.WriteFile(name, file.Bytes(), 0o644)
}
