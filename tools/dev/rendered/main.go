// Command rendered draws passages as pages and writes what the embedded demo model makes of them, for the
// index's benchmark:
//
//	go run ./tools/dev/rendered -passages build/bench/text/passages.txt -o build/bench/rendered
//
// The layout is that of multivector/corpus_test.go. The model reads printed English and is not ColPali: how
// its vectors lie is a trained late-interaction model's, how well it ranks is not.
package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"

	"weaviate-colpali/vectorizer"
	"weaviate-colpali/vectorizer/tinymodel"
)

const seed = 20261124

// batch bounds the memory for images.
const batch = 32

func main() {
	passages := flag.String("passages", "build/bench/text/passages.txt", "a passage in each line")
	out := flag.String("o", "build/bench/rendered", "folder to write")
	pages := flag.Int("pages", 2000, "pages to draw, at most the passages")
	questions := flag.Int("questions", 100, "questions to ask")
	flag.Parse()
	if err := run(context.Background(), *passages, *out, *pages, *questions); err != nil {
		fmt.Fprintln(os.Stderr, "rendered:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, passages, out string, pages, questions int) (err error) {
	text, err := os.ReadFile(passages)
	if err != nil {
		return err
	}
	texts := strings.Split(strings.TrimSpace(string(text)), "\n")
	if pages > len(texts) {
		return fmt.Errorf("%s has %d passages, %d pages are wanted: ask for fewer", passages, len(texts), pages)
	}
	// Without a library named here, package ort searches.
	options := vectorizer.Options{Library: os.Getenv("COLPALI_ONNXRUNTIME"), Device: "cpu"}
	v, err := vectorizer.Open(ctx, tinymodel.FS(), "", options)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, v.Close()) }()
	p, err := newPrinter()
	if err != nil {
		return err
	}
	documents, asked, err := p.embed(ctx, v, texts[:pages], questions)
	if err != nil {
		return err
	}
	queries, err := v.EmbedQueries(ctx, asked)
	if err != nil {
		return err
	}
	return errors.Join(write(out, "docs.f32", "doclens.i32", documents), write(out, "queries.f32", "qlens.i32", queries))
}

// embed draws and embeds the texts, and asks for words in a row that stand on some of the pages.
func (p printer) embed(ctx context.Context, v *vectorizer.Vectorizer, texts []string, questions int) ([]vectorizer.Embedding, []string, error) {
	r := rand.New(rand.NewPCG(seed, 0))
	var documents []vectorizer.Embedding
	var asked []string
	for first := 0; first < len(texts); first += batch {
		var images [][]byte
		for i, text := range texts[first:min(first+batch, len(texts))] {
			page, shown, err := p.page(text)
			if err != nil {
				return nil, nil, err
			}
			images = append(images, page)
			if page := first + i; page*questions/len(texts) != (page+1)*questions/len(texts) {
				n := min(2+r.IntN(3), len(shown))
				at := r.IntN(len(shown) - n + 1)
				asked = append(asked, strings.Join(shown[at:at+n], " "))
			}
		}
		embedded, err := v.EmbedPages(ctx, images)
		if err != nil {
			return nil, nil, err
		}
		documents = append(documents, embedded...)
	}
	return documents, asked, nil
}

// The model's input is a square of 448 pixels, and it reads type of 11 to 34 pixels.
const (
	side   = 448
	margin = 24
	size   = 20
	lead   = 28
)

// printer draws pages.
type printer struct{ face font.Face }

func newPrinter() (printer, error) {
	regular, err := opentype.Parse(goregular.TTF)
	if err != nil {
		return printer{}, err
	}
	face, err := opentype.NewFace(regular, &opentype.FaceOptions{Size: size, DPI: 72})
	return printer{face}, err
}

// page is a PNG of as many words as fit, and which these are.
func (p printer) page(text string) (file []byte, shown []string, err error) {
	page := image.NewGray(image.Rect(0, 0, side, side))
	draw.Draw(page, page.Bounds(), image.NewUniform(color.White), image.Point{}, draw.Src)
	drawer := font.Drawer{Dst: page, Src: image.Black, Face: p.face, Dot: fixed.P(margin, margin+size)}
	for word := range strings.FieldsSeq(text) {
		if drawer.Dot.X > fixed.I(margin) && drawer.Dot.X+drawer.MeasureString(word) > fixed.I(side-margin) {
			drawer.Dot.X, drawer.Dot.Y = fixed.I(margin), drawer.Dot.Y+fixed.I(lead)
		}
		if drawer.Dot.Y > fixed.I(side-margin) {
			break
		}
		drawer.DrawString(word + " ")
		shown = append(shown, word)
	}
	var encoded bytes.Buffer
	err = png.Encode(&encoded, page)
	return encoded.Bytes(), shown, err
}

// write writes the rows of all embeddings to one file and how many each has to another.
func write(dir, data, lens string, embeddings []vectorizer.Embedding) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	var numbers, rows []byte
	for i, e := range embeddings {
		if e.Err != nil {
			return fmt.Errorf("%s: number %d: %w", data, i, e.Err)
		}
		rows = binary.LittleEndian.AppendUint32(rows, uint32(len(e.Vectors)))
		for _, vector := range e.Vectors {
			for _, x := range vector {
				numbers = binary.LittleEndian.AppendUint32(numbers, math.Float32bits(x))
			}
		}
	}
	return errors.Join(os.WriteFile(filepath.Join(dir, data), numbers, 0o644), os.WriteFile(filepath.Join(dir, lens), rows, 0o644))
}
