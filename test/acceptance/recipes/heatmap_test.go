package recipes

import (
	"encoding/json"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// page is an entry of the sample pages' list: where which word is printed.
type page struct {
	File  string
	Title string
	Words []struct {
		Text           string
		X0, Y0, X1, Y1 int
	}
}

func pages(t *testing.T) []page {
	t.Helper()
	file, err := os.ReadFile(filepath.Join(samplePages(), "pages.json"))
	require.NoError(t, err)
	var list []page
	require.NoError(t, json.Unmarshal(file, &list))
	return list
}

var heatmapLine = regexp.MustCompile(`^heatmap: income-statement\.png is warmest at column (\d+) and row (\d+) ` +
	`of (\d+) x (\d+) patches; the picture is in heatmap-\w+\.png$`)

// checkHeatmap holds a picture against what the program said of it and against the page: the patch that took on most
// colour is the one that it named, and a word of the question is printed there.
func checkHeatmap(t *testing.T, line, path string) {
	t.Helper()
	said := heatmapLine.FindStringSubmatch(line)
	require.NotNil(t, said, line)
	column, row, columns, rows := atoi(t, said[1]), atoi(t, said[2]), atoi(t, said[3]), atoi(t, said[4])

	painted, plain := readPNG(t, path), readPNG(t, filepath.Join(samplePages(), "income-statement.png"))
	size := plain.Bounds().Size()
	require.Equal(t, size, painted.Bounds().Size(), "a page of 800 pixels is not scaled down")
	warmest, most := image.Point{}, 0.0
	for y := range rows {
		for x := range columns {
			box := patchBox(x, y, columns, rows, size)
			if w := warmth(painted, box) - warmth(plain, box); w > most {
				warmest, most = image.Pt(x, y), w
			}
		}
	}
	require.Equal(t, image.Pt(column, row), warmest, "the picture shows another patch than the map")
	require.True(t, onWord(t, patchBox(column, row, columns, rows, size)), "no word of the question is there: %s", line)
}

func atoi(t *testing.T, digits string) int {
	t.Helper()
	n, err := strconv.Atoi(digits)
	require.NoError(t, err)
	return n
}

func readPNG(t *testing.T, path string) image.Image {
	t.Helper()
	file, err := os.Open(path)
	require.NoError(t, err)
	defer file.Close()
	picture, err := png.Decode(file)
	require.NoError(t, err)
	return picture
}

func patchBox(column, row, columns, rows int, size image.Point) image.Rectangle {
	return image.Rect(column*size.X/columns, row*size.Y/rows, (column+1)*size.X/columns, (row+1)*size.Y/rows)
}

// warmth is how much more red than blue a box is, from -1 to 1.
func warmth(picture image.Image, box image.Rectangle) float64 {
	sum := 0.0
	for y := box.Min.Y; y < box.Max.Y; y++ {
		for x := box.Min.X; x < box.Max.X; x++ {
			red, _, blue, _ := picture.At(x, y).RGBA()
			sum += (float64(red) - float64(blue)) / 0xffff
		}
	}
	return sum / float64(box.Dx()*box.Dy())
}

// onWord reports whether a word of "operating profit" is printed in the box.
func onWord(t *testing.T, box image.Rectangle) bool {
	t.Helper()
	for _, p := range pages(t) {
		for _, w := range p.Words {
			word := strings.ToLower(w.Text)
			if p.File == "income-statement.png" && (word == "operating" || word == "profit") &&
				box.Overlaps(image.Rect(w.X0, w.Y0, w.X1, w.Y1)) {
				return true
			}
		}
	}
	return false
}
