package pages

import (
	"bytes"
	"errors"
	"image"
	"image/jpeg"
	"image/png"
	"math"
)

// Format is how rendered pages are stored.
type Format string

// Formats of rendered pages.
const (
	Auto Format = "auto" // PNG where it is small, else JPEG
	JPEG Format = "jpeg"
	PNG  Format = "png" // loses nothing
)

const (
	// jpegQuality of 90 leaves letters of ten pixels clean; 95 would take half as much again.
	jpegQuality = 90
	// smallPNG is the size, in pixels to a byte, up to which [Auto] takes PNG. A page of text stays below as PNG, where
	// JPEG takes as much; a photograph does not, and the attempt ends after the first tenth of it.
	smallPNG = 4
)

// errLarge ends an attempt.
var errLarge = errors.New("larger than a JPEG")

func (f Format) encode(picture *image.RGBA) ([]byte, error) {
	var smaller image.Image = picture
	if gray := grayOf(picture); gray != nil {
		smaller = gray
	}
	var b bytes.Buffer
	if f != JPEG {
		most := math.MaxInt
		if f == Auto {
			most = picture.Rect.Dx()*picture.Rect.Dy()/smallPNG + 1024 // a stamp is no larger for being PNG
		}
		err := (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&capped{&b, most}, smaller)
		if !errors.Is(err, errLarge) {
			return b.Bytes(), err
		}
		b.Reset()
	}
	err := jpeg.Encode(&b, smaller, &jpeg.Options{Quality: jpegQuality})
	return b.Bytes(), err
}

// capped takes so many bytes and no more.
type capped struct {
	to   *bytes.Buffer
	most int
}

func (c *capped) Write(p []byte) (int, error) {
	if c.to.Len()+len(p) > c.most {
		return 0, errLarge
	}
	return c.to.Write(p)
}

// grayOf returns the picture without its colours if it has none, else nil: a page of black text is encoded in
// a third of the time and decodes to the same pixels.
func grayOf(picture *image.RGBA) *image.Gray {
	bounds := picture.Bounds()
	gray := image.NewGray(bounds)
	for y := range bounds.Dy() {
		from, to := picture.Pix[y*picture.Stride:], gray.Pix[y*gray.Stride:]
		for x := range bounds.Dx() {
			r, g, b := from[4*x], from[4*x+1], from[4*x+2]
			if r != g || g != b {
				return nil
			}
			to[x] = g
		}
	}
	return gray
}
