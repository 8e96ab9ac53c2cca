package processor

import (
	"bytes"
	"errors"
	"image"

	"golang.org/x/image/tiff"
)

// TIFF tags and values.
const (
	tagWidth        = 256
	tagHeight       = 257
	tagCompression  = 259
	tagPhotometric  = 262
	tagStripOffsets = 273
	tagOrientation  = 274
	tagSamples      = 277
	tagRowsPerStrip = 278
	tagStripBytes   = 279
	tagPlanes       = 284
	tagTileOffsets  = 324
	tagJPEGTables   = 347

	compressionG3      = 3
	compressionG4      = 4
	compressionOldJPEG = 6
	compressionJPEG    = 7

	photometricWhiteIs0 = 0
	photometricBlackIs0 = 1
	photometricRGB      = 2
	photometricYCC      = 6
)

// tiffSize reads the dimensions of the first page.
func tiffSize(blob []byte) (image.Config, error) {
	d := readTIFFDirectory(blob)
	switch d.one(tagCompression, 0) {
	case compressionJPEG:
		return image.Config{Width: int(d.one(tagWidth, 0)), Height: int(d.one(tagHeight, 0))}, nil
	case compressionOldJPEG: // whose meaning its own authors withdrew: TIFF Technical Note 2
		return image.Config{}, errors.New("JPEG of the old kind (compression 6) is not supported, the newer (7) is")
	default:
		return tiff.DecodeConfig(bytes.NewReader(blob))
	}
}

// decodeTIFF decodes the first page with Go's decoder, and repairs it as Pillow does.
func decodeTIFF(blob []byte, alpha Alpha) (*RGB, error) {
	d := readTIFFDirectory(blob)
	if d.one(tagCompression, 0) == compressionJPEG {
		return decodeJPEGTIFF(d)
	}
	im, err := tiff.Decode(bytes.NewReader(blob))
	if err != nil {
		return nil, err
	}
	if gray, ok := im.(*image.Gray); ok && faxIsInverted(d) {
		for i, v := range gray.Pix {
			gray.Pix[i] = 255 - v
		}
	}
	return convertOnto(alpha, im)
}

// faxIsInverted says whether Go's decoder returns black for white: it does for fax-compressed pages
// whose header says that black is zero, which is what Pillow writes.
func faxIsInverted(d tiffDirectory) bool {
	compression := d.one(tagCompression, 0)
	return (compression == compressionG3 || compression == compressionG4) &&
		d.one(tagPhotometric, photometricWhiteIs0) == photometricBlackIs0
}

// isSideways says that a stored picture's width is the height that is shown.
func isSideways(orientation uint32) bool { return 5 <= orientation && orientation <= 8 }

// orient turns a stored picture the right way up by the TIFF orientation tag; 0 and 1 are upright.
func orient(im *RGB, orientation uint32) *RGB {
	if orientation < 2 || orientation > 8 {
		return im
	}
	// Each case says which stored pixel is shown at (x, y).
	w, h := im.Width-1, im.Height-1
	stored := [9]func(x, y int) (int, int){
		2: func(x, y int) (int, int) { return w - x, y },
		3: func(x, y int) (int, int) { return w - x, h - y },
		4: func(x, y int) (int, int) { return x, h - y },
		5: func(x, y int) (int, int) { return y, x },
		6: func(x, y int) (int, int) { return y, h - x },
		7: func(x, y int) (int, int) { return w - y, h - x },
		8: func(x, y int) (int, int) { return w - y, x },
	}[orientation]

	shown := NewRGB(im.Width, im.Height)
	if isSideways(orientation) {
		shown.Width, shown.Height = im.Height, im.Width
	}
	for y := range shown.Height {
		row := shown.row(y)
		for x := range shown.Width {
			sx, sy := stored(x, y)
			copy(row[3*x:3*x+3], im.row(sy)[3*sx:])
		}
	}
	return shown
}
