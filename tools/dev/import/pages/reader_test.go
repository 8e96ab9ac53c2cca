package pages

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/jpeg"
	_ "image/png"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"weaviate-colpali/tools/dev/import/internal/samples"
)

var shared *Engine

// TestMain compiles PDFium once for all tests.
func TestMain(m *testing.M) {
	shared = NewEngine(Options{Readers: 2, Size: 800, Format: JPEG, PageTimeout: time.Minute})
	code := m.Run()
	if err := shared.Close(); err != nil && code == 0 {
		code = 1
	}
	os.Exit(code)
}

func write(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, content, 0o600))
	return path
}

func reader(t *testing.T) *Reader {
	t.Helper()
	r := shared.NewReader()
	t.Cleanup(r.Close)
	return r
}

func decode(t *testing.T, p Page) image.Image {
	t.Helper()
	picture, _, err := image.Decode(bytes.NewReader(p.Blob))
	require.NoError(t, err)
	require.Equal(t, image.Pt(p.Width, p.Height), picture.Bounds().Size())
	return picture
}

func TestPDF(t *testing.T) {
	r := reader(t)
	path := write(t, "no extension", samples.PDF(3))
	d, err := r.Inspect(t.Context(), path)
	require.NoError(t, err)
	require.Equal(t, PDF, d.Kind)
	require.Equal(t, 3, d.Pages)
	for n := 1; n <= 3; n++ {
		p, err := r.Page(t.Context(), d, n)
		require.NoError(t, err)
		require.Equal(t, n, p.Number)
		require.Equal(t, [2]int{566, 800}, [2]int{p.Width, p.Height}, "A4, the longer side as asked for")
		require.Contains(t, p.Text, samples.Words(n))
		require.IsType(t, &image.Gray{}, decode(t, p), "black text")
	}
	_, err = r.Page(t.Context(), d, 4)
	require.ErrorIs(t, err, ErrBroken)
	_, err = r.Page(t.Context(), d, 2)
	require.NoError(t, err, "after one that failed")
}

func TestColoursAndSizes(t *testing.T) {
	red := "1 0 0 rg 0 0 10000 10000 re f"
	r := reader(t)
	d, err := r.Inspect(t.Context(), write(t, "a.pdf", samples.Raw([][2]string{
		{"[0 0 100 50]", red},
		{"[0 0 14400 10]", red},
		{"[0 0 1e9 1e9]", red},
		{"[0 0 1 1]", red},
		{"[0 0 0 0]", red},
		{"[5 5 -3 9e37]", red},
		{"[0 0 100 50] /Rotate 90", red},
	})))
	require.NoError(t, err)
	sizes := map[int][2]int{1: {417, 209}, 2: {800, 1}, 3: {619, 800}, 4: {5, 5}, 7: {209, 417}}
	for n := 1; n <= d.Pages; n++ {
		p, err := r.Page(t.Context(), d, n)
		if err != nil {
			require.NotContains(t, sizes, n, err)
			continue
		}
		decode(t, p)
		require.LessOrEqual(t, max(p.Width, p.Height), 800)
		if want, ok := sizes[n]; ok {
			require.Equal(t, want, [2]int{p.Width, p.Height}, "page %d", n)
		}
	}
	p, err := r.Page(t.Context(), d, 1)
	require.NoError(t, err)
	red8, green8, _, _ := decode(t, p).At(10, 10).RGBA()
	require.Greater(t, red8, uint32(60_000))
	require.Less(t, green8, uint32(5_000))
}

func TestRefusedFiles(t *testing.T) {
	good := samples.PDF(2)
	for name, c := range map[string]struct {
		content []byte
		want    error
	}{
		"encrypted":   {samples.EncryptedPDF(), ErrEncrypted},
		"truncated":   {good[:200], ErrBroken},
		"header only": {[]byte("%PDF-1.7\n"), ErrBroken},
		"empty":       {nil, ErrBroken},
		"text":        {[]byte("Dear Sir or Madam"), ErrUnsupported},
		"zip":         {[]byte("PK\x03\x04 a document of an office suite"), ErrUnsupported},
		"too long":    {samples.LyingPDF(maxPDFPages + 1), ErrLimit},
		"endless":     {endlessTIFF(), ErrBroken},
		"cut TIFF":    {samples.TIFF(binary.LittleEndian, 9, 8)[:30], ErrBroken},
	} {
		_, err := reader(t).Inspect(t.Context(), write(t, "file", c.content))
		require.ErrorIs(t, err, c.want, name)
	}
}

// endlessTIFF points from its last page back to the first.
func endlessTIFF() []byte {
	b := samples.TIFF(binary.LittleEndian, 50, 100)
	second := 8 + 2 + 12*10 + 4 + 8*6
	binary.LittleEndian.PutUint32(b[second+2+12*10:], 8)
	return b
}

func TestSlowPage(t *testing.T) {
	e := NewEngine(Options{Readers: 1, Size: 800, Format: JPEG, PageTimeout: time.Second})
	defer func() { require.NoError(t, e.Close()) }()
	r := e.NewReader()
	defer r.Close()
	slow, err := r.Inspect(t.Context(), write(t, "slow.pdf", samples.SlowPDF(2)))
	require.NoError(t, err)
	good, err := r.Inspect(t.Context(), write(t, "good.pdf", samples.PDF(1)))
	require.NoError(t, err)
	for n := 1; n <= 2; n++ {
		_, err = r.Page(t.Context(), slow, n)
		require.ErrorIs(t, err, ErrLimit)
		require.ErrorContains(t, err, "-page-timeout")
	}
	_, err = r.Page(t.Context(), good, 1)
	require.NoError(t, err, "another file after it")
}

func TestMissingPages(t *testing.T) {
	const claimed = 20_000
	r := reader(t)
	d, err := r.Inspect(t.Context(), write(t, "lies.pdf", samples.LyingPDF(claimed)))
	require.NoError(t, err)
	require.Equal(t, claimed, d.Pages)
	_, err = r.Page(t.Context(), d, 1)
	require.NoError(t, err)
	for n := 2; n <= claimed; n++ {
		_, err = r.Page(t.Context(), d, n)
		require.ErrorIs(t, err, ErrBroken)
	}
}

func TestBomb(t *testing.T) {
	r := reader(t)
	d, err := r.Inspect(t.Context(), write(t, "bomb.pdf", samples.BombPDF()))
	require.NoError(t, err)
	_, err = r.Page(t.Context(), d, 1)
	require.ErrorIs(t, err, ErrCrash)
	require.NotContains(t, err.Error(), "\n")
	p, err := r.Page(t.Context(), d, 2)
	require.NoError(t, err, "the page without one")
	decode(t, p)
}

func TestImage(t *testing.T) {
	r := reader(t)
	blob := samples.PNG(40, 30, color.RGBA{R: 200, A: 255})
	d, err := r.Inspect(t.Context(), write(t, "a.png", blob))
	require.NoError(t, err)
	require.Equal(t, Image, d.Kind)
	require.Equal(t, 1, d.Pages)
	p, err := r.Page(t.Context(), d, 1)
	require.NoError(t, err)
	require.Equal(t, Page{Number: 1, Blob: blob, Width: 40, Height: 30}, p, "passed on as it is")

	d, err = r.Inspect(t.Context(), write(t, "cut.png", blob[:20]))
	require.NoError(t, err)
	_, err = r.Page(t.Context(), d, 1)
	require.Error(t, err)
}

func TestTIFF(t *testing.T) {
	r := reader(t)
	for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
		d, err := r.Inspect(t.Context(), write(t, "a.tif", samples.TIFF(order, 50, 0, 100, 150)))
		require.NoError(t, err)
		require.Equal(t, MultiTIFF, d.Kind)
		require.Equal(t, 3, d.Pages, "without the preview")
		for n, shade := range []uint8{50, 100, 150} {
			p, err := r.Page(t.Context(), d, n+1)
			require.NoError(t, err)
			got := decode(t, p).At(3, 3).(color.Gray).Y
			require.InDelta(t, shade, got, 1)
		}
		d, err = r.Inspect(t.Context(), write(t, "one.tif", samples.TIFF(order, 50)))
		require.NoError(t, err)
		require.Equal(t, Image, d.Kind)
	}
}

// Scanners put JPEGs into TIFFs. The reference is the second page as a JPEG of another quality.
func TestTIFFOfJPEGs(t *testing.T) {
	e := NewEngine(Options{Size: 800, Format: PNG})
	r := e.NewReader()
	defer r.Close()
	const images = "../../../../vectorizer/processor/testdata/images/"
	d, err := r.Inspect(t.Context(), images+"jpeg_pages.tiff")
	require.NoError(t, err)
	require.Equal(t, MultiTIFF, d.Kind)
	require.Equal(t, 2, d.Pages)
	for n, reference := range []string{"jpeg_pages_tiff_reference.png", "444_64x48_jpg_reference.png"} {
		p, err := r.Page(t.Context(), d, n+1)
		require.NoError(t, err)
		blob, err := os.ReadFile(images + reference)
		require.NoError(t, err)
		want := decode(t, Page{Blob: blob, Width: p.Width, Height: p.Height})
		require.Less(t, meanDifference(want, decode(t, p)), 3.0, "page %d", n+1)
	}
}

// meanDifference is in grey levels.
func meanDifference(a, b image.Image) float64 {
	sum, size := 0.0, a.Bounds().Size()
	for y := range size.Y {
		for x := range size.X {
			grayA, grayB := color.GrayModel.Convert(a.At(x, y)).(color.Gray).Y, color.GrayModel.Convert(b.At(x, y)).(color.Gray).Y
			sum += math.Abs(float64(grayA) - float64(grayB))
		}
	}
	return sum / float64(size.X*size.Y)
}

func TestChangedFile(t *testing.T) {
	r := reader(t)
	path := write(t, "a.pdf", samples.PDF(1))
	d, err := r.Inspect(t.Context(), path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, samples.PDF(2), 0o600))
	_, err = r.Page(t.Context(), d, 1)
	require.ErrorContains(t, err, "changed")
}

func TestID(t *testing.T) {
	a := Document{Path: "a.pdf", SHA256: "00"}
	require.Equal(t, "59c1037b-c17b-5018-8ce6-ab94240e4d2e", a.ID(1), "ids are kept in people's servers: they must never change")
	require.NotEqual(t, a.ID(1), a.ID(2))
	require.Equal(t, a.ID(1), Document{Path: "b.pdf", SHA256: "00"}.ID(1))
	require.NotEqual(t, a.ID(1), Document{Path: "a.pdf", SHA256: "01"}.ID(1))
}

func TestClean(t *testing.T) {
	require.Equal(t, "two\nlines, hyphen", clean(" two\r\nlines,\x00hy\uFFFEphen\xff "))
	require.LessOrEqual(t, len(clean(string(bytes.Repeat([]byte("é"), maxTextBytes)))), maxTextBytes)
}

func TestFit(t *testing.T) {
	e := NewEngine(Options{Size: 4, Format: PNG})
	path := write(t, "a.tif", samples.TIFF(binary.LittleEndian, 50, 100))
	r := e.NewReader()
	defer r.Close()
	d, err := r.Inspect(t.Context(), path)
	require.NoError(t, err)
	p, err := r.Page(t.Context(), d, 2)
	require.NoError(t, err)
	require.Equal(t, [2]int{4, 3}, [2]int{p.Width, p.Height})
	_, err = jpeg.Decode(bytes.NewReader(p.Blob))
	require.Error(t, err, "asked for as PNG")
	require.Equal(t, color.Gray{Y: 100}, decode(t, p).At(1, 1))
}

func FuzzTIFFFrames(f *testing.F) {
	f.Add(samples.TIFF(binary.LittleEndian, 50, 100))
	f.Add(samples.TIFF(binary.BigEndian, 50, 0, 100))
	f.Add(endlessTIFF())
	f.Fuzz(func(t *testing.T, content []byte) {
		if len(content) < 8 || !isTIFF(content) {
			return
		}
		frames, err := tiffFrames(bytes.NewReader(content))
		require.Equal(t, err == nil, len(frames) > 0)
		for _, at := range frames {
			require.Less(t, int(at), len(content))
		}
	})
}
