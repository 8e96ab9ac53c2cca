package processor

import (
	"fmt"
	"image"
	"image/color"
)

// View says how a picture is shown where the file leaves it open. The zero value is what the
// references of ColPali models do: Image.open(blob).convert("RGB").
type View struct {
	Alpha Alpha
	// Upright turns the picture by the EXIF orientation of a JPEG, PNG or WebP, as Pillow's
	// ImageOps.exif_transpose. A TIFF is always upright. An orientation in XMP is not read.
	Upright bool
}

// Alpha is what becomes of transparency.
type Alpha int

const (
	// AlphaDrop shows the colours under the transparency, as convert("RGB") does. What a renderer of
	// PDFs left transparent is mostly black.
	AlphaDrop Alpha = iota
	// AlphaWhite lays the picture on white paper, as Image.paste with the alpha channel for a mask.
	AlphaWhite
)

// UnmarshalText reads the names that a model's manifest uses: drop or white.
func (a *Alpha) UnmarshalText(name []byte) error {
	switch string(name) {
	case "drop":
		*a = AlphaDrop
	case "white":
		*a = AlphaWhite
	default:
		return fmt.Errorf("alpha %q is not known; use drop or white", name)
	}
	return nil
}

// MarshalText writes the name.
func (a Alpha) MarshalText() ([]byte, error) {
	if a == AlphaWhite {
		return []byte("white"), nil
	}
	return []byte("drop"), nil
}

// onto lays decoded pixels on the view's paper. src is what they were converted from.
func (a Alpha) onto(im *RGB, src image.Image) *RGB {
	if a != AlphaWhite {
		return im
	}
	var alphaAt func(x, y int) uint8
	switch src := src.(type) {
	case *image.NRGBA:
		alphaAt = func(x, y int) uint8 { return src.Pix[y*src.Stride+4*x+3] }
	case *image.NRGBA64: // big-endian: the first byte of a sample is the high one
		alphaAt = func(x, y int) uint8 { return src.Pix[y*src.Stride+8*x+6] }
	case *image.RGBA:
		alphaAt = func(x, y int) uint8 { return src.Pix[y*src.Stride+4*x+3] }
	case *image.RGBA64:
		alphaAt = func(x, y int) uint8 { return src.Pix[y*src.Stride+8*x+6] }
	case *image.NYCbCrA:
		alphaAt = func(x, y int) uint8 { return src.A[y*src.AStride+x] }
	case *image.Paletted:
		table := alphaTable(src.Palette)
		alphaAt = func(x, y int) uint8 { return table[src.Pix[y*src.Stride+x]] }
	default:
		return im
	}
	for y := range im.Height {
		row := im.row(y)
		for x := range im.Width {
			if alpha := alphaAt(x, y); alpha != opaque {
				layOnWhite(row[3*x:3*x+3], alpha)
			}
		}
	}
	return im
}

const opaque = 255

// alphaTable maps every index to its alpha. Indices beyond the palette are black, and not transparent.
func alphaTable(palette color.Palette) (table [256]uint8) {
	for i := range table {
		table[i] = opaque
	}
	for i, entry := range palette[:min(len(palette), len(table))] {
		_, _, _, alpha := entry.RGBA()
		table[i] = uint8(alpha >> 8)
	}
	return table
}

// layOnWhite is Pillow's BLEND with white below: division by 255 with rounding.
func layOnWhite(pixel []uint8, alpha uint8) {
	for channel, value := range pixel {
		sum := 255*(255-int(alpha)) + int(value)*int(alpha) + 128
		pixel[channel] = uint8((sum>>8 + sum) >> 8)
	}
}
