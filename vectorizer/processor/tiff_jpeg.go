package processor

import (
	"errors"
	"fmt"
	"image/jpeg"
)

// maxJPEGTables bounds what stands before every strip. The tables that a JPEG can have take 2.8 KB; larger
// ones would be read again for each of thousands of strips.
const maxJPEGTables = 1 << 12

// jpegTIFF is a page of strips that are JPEGs of their own (compression 7: TIFF Technical Note 2). Scanners
// write such files, and libtiff writes them with the tables of all strips in one place.
type jpegTIFF struct {
	width, height, rows int // rows of a strip; the last may have fewer
	photometric         uint32
	samples             int
	tables              []byte
	strips              [][]byte
}

// decodeJPEGTIFF decodes a page within the limits of size.
func decodeJPEGTIFF(d tiffDirectory) (*RGB, error) {
	page, err := readJPEGTIFF(d)
	if err != nil {
		return nil, err
	}
	return page.decode()
}

// readJPEGTIFF finds the strips of a page.
func readJPEGTIFF(d tiffDirectory) (jpegTIFF, error) {
	height := d.one(tagHeight, 0)
	page := jpegTIFF{
		width:       int(d.one(tagWidth, 0)),
		height:      int(height),
		rows:        int(min(d.one(tagRowsPerStrip, height), height)),
		photometric: d.one(tagPhotometric, photometricWhiteIs0),
		samples:     int(d.one(tagSamples, 1)),
		tables:      d.entries[tagJPEGTables].values,
	}
	offsets, counts := d.list(tagStripOffsets), d.list(tagStripBytes)
	strips := 0
	if page.rows > 0 {
		strips = (page.height + page.rows - 1) / page.rows
	}
	switch {
	case d.entries[tagTileOffsets].size > 0:
		return page, errors.New("tiles of JPEG are not supported, strips are")
	case d.one(tagPlanes, 1) != 1 && page.samples > 1:
		return page, errors.New("JPEG of separate colour planes is not supported")
	case page.samples != samplesOf[page.photometric]:
		return page, fmt.Errorf("JPEG of %d samples and color model %d is not supported, grey, RGB and YCbCr are",
			page.samples, page.photometric)
	case len(page.tables) > maxJPEGTables:
		return page, fmt.Errorf("%d bytes of JPEG tables, the limit is %d", len(page.tables), maxJPEGTables)
	case strips == 0 || len(offsets) != strips || len(counts) != strips:
		return page, fmt.Errorf("%d strips at %d places, not %d", len(counts), len(offsets), strips)
	case strips > 1 && page.rows%8 != 0: // as the format demands; and small strips cost much for little
		return page, fmt.Errorf("JPEG strips of %d rows, not of a multiple of 8", page.rows)
	}
	room := int64(len(d.blob))
	for i, offset := range offsets {
		strip, ok := d.within(int64(offset), int64(counts[i]))
		room -= int64(len(strip))
		if !ok || room < 0 {
			return page, errors.New("strips lie outside the file, or over each other")
		}
		page.strips = append(page.strips, strip)
	}
	return page, nil
}

// samplesOf are the channels of the colours that are read.
var samplesOf = map[uint32]int{photometricWhiteIs0: 1, photometricBlackIs0: 1, photometricRGB: 3, photometricYCC: 3}

// decode joins the strips.
func (p jpegTIFF) decode() (*RGB, error) {
	im := NewRGB(p.width, p.height)
	for i, blob := range p.strips {
		top := i * p.rows
		rows := min(p.rows, p.height-top)
		strip, err := p.decodeStrip(blob, rows)
		if err != nil {
			return nil, fmt.Errorf("strip %d: %w", i, err)
		}
		copy(im.Pix[3*p.width*top:], strip.Pix[:3*p.width*rows])
	}
	if p.photometric == photometricWhiteIs0 {
		for i, v := range im.Pix {
			im.Pix[i] = 255 - v
		}
	}
	return im, nil
}

// decodeStrip decodes a JPEG that must be as wide as the page, and have at least the rows.
func (p jpegTIFF) decodeStrip(blob []byte, rows int) (*RGB, error) {
	if err := checkJPEGScans(blob); err != nil {
		return nil, err
	}
	header, err := readJPEGHeader(blob)
	if err != nil {
		return nil, err
	}
	if header.components != p.samples {
		return nil, fmt.Errorf("a JPEG of %d channels in a page of %d", header.components, p.samples)
	}
	// The page says which colours they are, and not the JPEG.
	adobe := byte(adobeYCC)
	if p.photometric == photometricRGB {
		adobe = adobeAsStored
	}
	size, err := jpeg.DecodeConfig(recolored(blob, p.tables, adobe))
	if err != nil {
		return nil, err
	}
	if size.Width != p.width || size.Height < rows || size.Height > p.rows {
		return nil, fmt.Errorf("a JPEG of %d x %d pixels in place of %d x %d", size.Width, size.Height, p.width, rows)
	}
	return decodeLightJPEG(recolored(blob, p.tables, adobe))
}
