package similarity_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"weaviate-colpali/vectorizer/processor"
	"weaviate-colpali/vectorizer/similarity"
)

// hot is a map of 4 x 2 patches of which one is similar.
func hot(t *testing.T, patch int) similarity.Map {
	t.Helper()
	values := make([]float32, 8)
	values[patch] = 1
	m, err := similarity.New(4, 2, values, []int{patch})
	require.NoError(t, err)
	return m
}

func white(width, height int) *processor.RGB {
	page := processor.NewRGB(width, height)
	for i := range page.Pix {
		page.Pix[i] = 255
	}
	return page
}

func TestNewRefuses(t *testing.T) {
	nan := float32(math.NaN())
	for name, make := range map[string]func() (similarity.Map, error){
		"too few values":     func() (similarity.Map, error) { return similarity.New(2, 2, []float32{1, 2, 3}, nil) },
		"no grid":            func() (similarity.Map, error) { return similarity.New(0, 0, nil, nil) },
		"a negative grid":    func() (similarity.Map, error) { return similarity.New(-1, -1, []float32{1}, nil) },
		"not a number":       func() (similarity.Map, error) { return similarity.New(1, 1, []float32{nan}, nil) },
		"a patch outside":    func() (similarity.Map, error) { return similarity.New(1, 1, []float32{1}, []int{1}) },
		"a patch below zero": func() (similarity.Map, error) { return similarity.New(1, 1, []float32{1}, []int{-1}) },
	} {
		_, err := make()
		require.ErrorIs(t, err, similarity.ErrShape, name)
	}
}

func TestBoxesCoverThePage(t *testing.T) {
	m, err := similarity.New(3, 2, make([]float32, 6), nil)
	require.NoError(t, err)
	covered := 0
	for patch := range 6 {
		box := m.Box(patch, image.Pt(100, 31)) // neither is a multiple of the grid
		covered += box.Dx() * box.Dy()
		for other := range patch {
			require.True(t, box.Intersect(m.Box(other, image.Pt(100, 31))).Empty(), "patches %d and %d", other, patch)
		}
	}
	require.Equal(t, 100*31, covered)
}

func TestPNGPaintsThePatchThatMatched(t *testing.T) {
	var file bytes.Buffer
	require.NoError(t, hot(t, 6).WritePNG(&file, white(40, 20), 1000))
	drawn, err := png.Decode(&file)
	require.NoError(t, err)
	require.Equal(t, image.Pt(40, 20), drawn.Bounds().Size(), "a small page is not blown up")
	plain := color.NRGBA{255, 255, 255, 255}
	require.NotEqual(t, plain, at(drawn, 25, 15), "the patch that matched is painted")
	require.Equal(t, plain, at(drawn, 5, 5), "others are not")
	require.Equal(t, color.NRGBA{0xd0, 0x10, 0x50, 0xff}, at(drawn, 19, 15), "the frame stands just outside the patch")
}

func TestPNGIsScaledDown(t *testing.T) {
	var file bytes.Buffer
	require.NoError(t, hot(t, 0).WritePNG(&file, white(400, 200), 100))
	drawn, err := png.Decode(&file)
	require.NoError(t, err)
	require.Equal(t, image.Pt(100, 50), drawn.Bounds().Size())
	require.NotEqual(t, color.NRGBA{255, 255, 255, 255}, at(drawn, 10, 10))
}

func TestSVGLiesOverThePage(t *testing.T) {
	var file strings.Builder
	require.NoError(t, hot(t, 6).WriteSVG(&file, image.Pt(40, 20)))
	require.Contains(t, file.String(), `viewBox="0 0 40 20"`)
	require.Contains(t, file.String(), `<rect x="20" y="10" width="10" height="10" fill-opacity="0.60"/>`)
	names := map[string]int{}
	decoder := xml.NewDecoder(strings.NewReader(file.String()))
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		if element, ok := token.(xml.StartElement); ok {
			names[element.Name.Local]++
		}
	}
	require.Equal(t, map[string]int{"svg": 1, "g": 2, "rect": 2}, names, "one patch, one frame, nothing else")
}

func TestAPageThatIsTheSameEverywhere(t *testing.T) {
	m, err := similarity.New(2, 2, []float32{.5, .5, .5, .5}, nil)
	require.NoError(t, err)
	var file bytes.Buffer
	require.NoError(t, m.WritePNG(&file, white(20, 20), 20))
	drawn, err := png.Decode(&file)
	require.NoError(t, err)
	require.Equal(t, color.NRGBA{255, 255, 255, 255}, at(drawn, 5, 5))
}

func at(im image.Image, x, y int) color.NRGBA {
	return color.NRGBAModel.Convert(im.At(x, y)).(color.NRGBA)
}
