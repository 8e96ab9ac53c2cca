package processor

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/jpeg"
	"image/png"
	"io"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

type decodeCase struct {
	File          string
	Width, Height int
	SHA256        string `json:"rgb_sha256"` // of formats that decode exactly
	Reference     string // file with Pillow's pixels, of those that do not
}

func decodeCases(t testing.TB) []decodeCase {
	var golden struct{ Cases []decodeCase }
	readGolden(t, "decode.json", &golden)
	require.NotEmpty(t, golden.Cases)
	return golden.Cases
}

func TestDecodeImageEqualsPillow(t *testing.T) {
	for _, c := range decodeCases(t) {
		t.Run(c.File, func(t *testing.T) {
			im, err := DecodeImage(readImageFile(t, c.File), roomy)
			require.NoError(t, err)
			require.Equal(t, [2]int{c.Width, c.Height}, [2]int{im.Width, im.Height})
			if c.Reference == "" {
				require.Equal(t, c.SHA256, sha256Hex(im.Pix))
				return
			}
			requireNear(t, referencePixels(t, c.Reference), im.Pix)
		})
	}
}

func TestViewsEqualPillow(t *testing.T) {
	var golden struct {
		Cases []struct {
			decodeCase
			Alpha   string
			Upright bool
		}
	}
	readGolden(t, "views.json", &golden)
	require.NotEmpty(t, golden.Cases)
	for _, c := range golden.Cases {
		t.Run(fmt.Sprintf("%s/alpha=%s/upright=%v", c.File, c.Alpha, c.Upright), func(t *testing.T) {
			view := View{Upright: c.Upright}
			require.NoError(t, view.Alpha.UnmarshalText([]byte(c.Alpha)))
			im, err := view.DecodeImage(readImageFile(t, c.File), roomy)
			require.NoError(t, err)
			require.Equal(t, [2]int{c.Width, c.Height}, [2]int{im.Width, im.Height})
			width, height, err := view.ImageSize(readImageFile(t, c.File), roomy)
			require.NoError(t, err)
			require.Equal(t, [2]int{c.Width, c.Height}, [2]int{width, height})
			if c.Reference == "" {
				require.Equal(t, c.SHA256, sha256Hex(im.Pix))
				return
			}
			requireNear(t, referencePixels(t, c.Reference), im.Pix)
		})
	}
}

func TestImageSizeIsThatOfTheDecodedImage(t *testing.T) {
	for _, c := range decodeCases(t) {
		width, height, err := ImageSize(readImageFile(t, c.File), roomy)
		require.NoError(t, err, c.File)
		require.Equal(t, [2]int{c.Width, c.Height}, [2]int{width, height}, c.File)
	}
}

func TestNamesOfAlpha(t *testing.T) {
	alpha := AlphaWhite
	require.NoError(t, alpha.UnmarshalText([]byte("drop")))
	require.Equal(t, AlphaDrop, alpha)
	require.ErrorContains(t, alpha.UnmarshalText([]byte("black")), `alpha "black" is not known; use drop or white`)
}

// A wrong EXIF block costs the orientation, not the picture.
func TestDamagedEXIFIsIgnored(t *testing.T) {
	for _, name := range []string{"exif6.jpg", "exif5.png", "exif2.webp"} {
		blob := readImageFile(t, name)
		exif := bytes.Index(blob, []byte("II*\x00"))
		if exif < 0 {
			exif = bytes.Index(blob, []byte("MM\x00*"))
		}
		require.Positive(t, exif, name)
		for _, damage := range [][]byte{{0}, []byte("II*\x00\xff\xff\xff\xff"), []byte("MM\x00*\x00\x00\x00\x00")} {
			damaged := bytes.Clone(blob)
			copy(damaged[exif:], damage)
			if name == "exif5.png" { // Go checks the sum of a chunk that it skips
				at := exif - 4
				length := int(binary.BigEndian.Uint32(damaged[at-4:]))
				binary.BigEndian.PutUint32(damaged[exif+length:], crc32.ChecksumIEEE(damaged[at:exif+length]))
			}
			im, err := View{Upright: true}.DecodeImage(damaged, roomy)
			require.NoError(t, err, name)
			require.Equal(t, [2]int{23, 17}, [2]int{im.Width, im.Height}, name)
		}
	}
}

func TestDecodingMemory(t *testing.T) {
	bytes, err := DecodingMemory(readImageFile(t, "rgb.png"), roomy)
	require.NoError(t, err)
	require.EqualValues(t, 28*61*47, bytes)

	limits := Limits{MaxBytes: 1 << 20, MaxPixels: 100}
	for _, blob := range [][]byte{nil, pngHeader(10, 11), pngHeader(0, 1), make([]byte, 1<<20+1)} {
		_, want := DecodeImage(blob, limits)
		_, err := DecodingMemory(blob, limits)
		require.Error(t, err)
		require.Equal(t, want, err)
	}
}

// The largest taker is a progressive JPEG of four channels, and no other file takes more.
func TestDecodingTakesNoMoreMemoryThanItSays(t *testing.T) {
	const slack = 256 << 10 // what decoders take whatever the size: buffers of compressors, tables
	for _, c := range decodeCases(t) {
		blob := readImageFile(t, c.File)
		said, err := DecodingMemory(blob, roomy)
		require.NoError(t, err)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err = DecodeImage(blob, roomy)
		runtime.ReadMemStats(&after)
		require.NoError(t, err)
		require.LessOrEqual(t, after.TotalAlloc-before.TotalAlloc, uint64(said+slack), c.File)
	}
}

func referencePixels(t *testing.T, name string) []uint8 {
	im, err := png.Decode(bytes.NewReader(readImageFile(t, name)))
	require.NoError(t, err)
	rgb, err := convertRGB(im)
	require.NoError(t, err)
	return rgb.Pix
}

// requireNear allows for the difference between Go's and libjpeg's inverse cosine transforms.
func requireNear(t *testing.T, want, got []uint8) {
	const maxDifference, maxMean = 3, 0.1
	require.Len(t, got, len(want))
	worst, sum := 0, 0
	for i := range want {
		difference := max(int(want[i])-int(got[i]), int(got[i])-int(want[i]))
		worst, sum = max(worst, difference), sum+difference
	}
	t.Logf("worst difference %d, mean %.4f", worst, float64(sum)/float64(len(want)))
	require.LessOrEqual(t, worst, maxDifference)
	require.LessOrEqual(t, float64(sum)/float64(len(want)), maxMean)
}

func BenchmarkDecodeImage(b *testing.B) {
	for _, size := range [][2]int{{850, 1100}, {2480, 3508}} {
		for name, encode := range map[string]func(io.Writer, image.Image) error{
			"png":  png.Encode,
			"jpeg": func(w io.Writer, m image.Image) error { return jpeg.Encode(w, m, nil) },
		} {
			b.Run(fmt.Sprintf("size=%dx%d/format=%s", size[0], size[1], name), func(b *testing.B) {
				var blob bytes.Buffer
				require.NoError(b, encode(&blob, ruledPage(size[0], size[1])))
				b.SetBytes(int64(3 * size[0] * size[1]))
				b.ReportAllocs()
				for b.Loop() {
					if _, err := DecodeImage(blob.Bytes(), roomy); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// ruledPage is white with grey dashes where text would be: as many edges as a page has.
func ruledPage(width, height int) image.Image {
	page := image.NewRGBA(image.Rect(0, 0, width, height))
	for i := range page.Pix {
		x, y := i/4%width, i/4/width
		page.Pix[i] = 255
		if y%16 < 10 && x%(7+y/16%5) < 4 && i%4 != 3 {
			page.Pix[i] = 40
		}
	}
	return page
}
