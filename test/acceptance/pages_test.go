package acceptance

import (
	"bytes"
	"encoding/base64"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/weaviate/weaviate/entities/models"
	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

// sample is a page of text and a question whose words stand on that page only.
type sample struct {
	title, text, question string
}

var samples = []sample{
	{"tractor", "Tractor manual\nCheck the oil of\nthe engine before\nwinter begins", "tractor engine oil"},
	{"invoice", "Invoice 2041\nTotal amount due\n450 dollars within\nthirty days", "invoice amount due"},
	{"whale", "Blue whales\nThe largest animal\nsings across the\nPacific ocean", "blue whales ocean"},
	{"bread", "Bread recipe\nMix flour, water,\nsalt and yeast\nthen bake", "flour water yeast"},
	{"train", "Railway timetable\nThe night train\nleaves London at\nnine every Friday", "railway night train"},
	{"garden", "Garden calendar\nPlant tomatoes and\nroses in April\nafter the frost", "plant tomatoes roses"},
	{"museum", "City museum\nPaintings of the\nnineteenth century\nOpen on Sunday", "museum paintings"},
	{"football", "Football results\nThe visiting team\nscored three goals\nin the second half", "football team goals"},
}

// pageObjects are the samples as objects to import, numbered from 0.
func pageObjects(t *testing.T, class string) []*models.Object {
	t.Helper()
	objects := make([]*models.Object, len(samples))
	for i, s := range samples {
		objects[i] = pageObject(class, i, s.title, base64.StdEncoding.EncodeToString(renderPage(t, s.text)))
	}
	return objects
}

func pageObject(class string, number int, title, blob string) *models.Object {
	properties := object{"title": title, "number": number}
	if blob != "" {
		properties["page"] = blob
	}
	return &models.Object{Class: class, ID: uuid(number), Properties: properties}
}

// The layout of a rendered page, in pixels.
const (
	pageSide   = 448
	pageMargin = 30
	lineSize   = 22
)

func baseline(line int) int { return pageMargin + lineSize + line*lineSize*3/2 }

// wordBox is where renderPage prints the only word of a text that reads so, in any case.
func wordBox(t *testing.T, text, word string) image.Rectangle {
	t.Helper()
	face := fontFace(t, lineSize)
	for i, line := range strings.Split(text, "\n") {
		if at := strings.Index(strings.ToLower(line), word); at >= 0 {
			left := pageMargin + font.MeasureString(face, line[:at]).Round()
			right := pageMargin + font.MeasureString(face, line[:at+len(word)]).Round()
			return image.Rect(left, baseline(i)-lineSize, right, baseline(i)+lineSize/4)
		}
	}
	require.Failf(t, "no such word", "%q in %q", word, text)
	return image.Rectangle{}
}

// renderPage draws lines of black text on white, at a size that the demo model reads well, and returns
// a PNG.
func renderPage(t *testing.T, text string) []byte {
	t.Helper()
	face := fontFace(t, lineSize)
	page := image.NewGray(image.Rect(0, 0, pageSide, pageSide))
	draw.Draw(page, page.Bounds(), image.NewUniform(color.White), image.Point{}, draw.Src)
	for i, line := range strings.Split(text, "\n") {
		drawer := font.Drawer{Dst: page, Src: image.NewUniform(color.Black), Face: face, Dot: fixed.P(pageMargin, baseline(i))}
		drawer.DrawString(line)
	}
	var file bytes.Buffer
	require.NoError(t, png.Encode(&file, page))
	return file.Bytes()
}

func fontFace(t *testing.T, size float64) font.Face {
	t.Helper()
	regular, err := opentype.Parse(goregular.TTF)
	require.NoError(t, err)
	face, err := opentype.NewFace(regular, &opentype.FaceOptions{Size: size, DPI: 72})
	require.NoError(t, err)
	return face
}

// samplePage is the base64 text of one sample page, as a client sends it.
func samplePage(t *testing.T, i int) string {
	t.Helper()
	return base64.StdEncoding.EncodeToString(renderPage(t, samples[i].text))
}
