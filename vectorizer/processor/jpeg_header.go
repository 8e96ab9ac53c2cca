package processor

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"iter"
)

// Markers of a JPEG.
const (
	jpegSOI  = 0xd8
	jpegSOS  = 0xda
	jpegEOI  = 0xd9
	jpegRST0 = 0xd0
	jpegDHT  = 0xc4
	jpegJPG  = 0xc8
	jpegDAC  = 0xcc
	jpegSOF0 = 0xc0
	jpegSOF3 = 0xc3
	jpegSOF9 = 0xc9
	jpegCOM  = 0xfe
	jpegAPP0 = 0xe0
	jpegAPP1 = 0xe1
	jpegAPPE = 0xee
)

// Colours that an Adobe segment (APP14) declares: https://exiftool.org/TagNames/JPEG.html#Adobe.
const (
	adobeAsStored = 0 // RGB of three channels, CMYK of four
	adobeYCC      = 1
	adobeNone     = -1 // there is no such segment
)

var adobePrefix = []byte("Adobe")

// jpegSegment is a marker of the header with what belongs to it.
type jpegSegment struct {
	marker byte
	at     int    // of the 0xff before the marker
	body   []byte // behind the length; a scan's without its entropy-coded bytes
}

// jpegSegments yields the segments to the first scan, and that one. Like libjpeg and Go it skips bytes
// between segments that belong to none.
func jpegSegments(blob []byte) iter.Seq[jpegSegment] {
	return func(yield func(jpegSegment) bool) {
		for at := 2; at+4 <= len(blob); {
			marker := blob[at+1]
			switch {
			case blob[at] != 0xff || marker == 0xff:
				at++
				continue
			case marker == 0 || marker&^7 == jpegRST0:
				at += 2
				continue
			}
			length := int(binary.BigEndian.Uint16(blob[at+2:]))
			if marker == jpegEOI || length < 2 || at+2+length > len(blob) {
				return
			}
			if !yield(jpegSegment{marker, at, blob[at+4 : at+2+length]}) || marker == jpegSOS {
				return
			}
			at += 2 + length
		}
	}
}

// jpegHeader is what the segments before the first scan say of the colours.
type jpegHeader struct {
	components int
	subsampled bool // the second and third channel have half the width and half the height
	adobe      int  // the last Adobe segment's, or adobeNone
}

// readJPEGHeader refuses by name what Go's decoder does not read: it says "unknown marker" of the one
// and "precision" of the other.
func readJPEGHeader(blob []byte) (jpegHeader, error) {
	header := jpegHeader{adobe: adobeNone}
	for s := range jpegSegments(blob) {
		switch {
		case s.marker == jpegAPPE && len(s.body) >= 12 && bytes.HasPrefix(s.body, adobePrefix):
			header.adobe = int(s.body[11])
		case s.isFrame() && len(s.body) >= 6:
			switch {
			case s.marker >= jpegSOF9:
				return header, errors.New("arithmetic coding is not supported")
			case s.marker >= jpegSOF3:
				return header, errors.New("lossless and hierarchical coding are not supported")
			}
			if bits := s.body[0]; bits != 8 {
				return header, fmt.Errorf("%d bits a sample are not supported, 8 are", bits)
			}
			header.components = int(s.body[5])
			header.subsampled = len(s.body) >= 8 && s.body[7] == 0x22
		}
	}
	return header, nil
}

// isFrame says that a segment begins a frame (SOF0 to SOF15), of whatever coding.
func (s jpegSegment) isFrame() bool {
	return s.marker&^15 == jpegSOF0 && s.marker != jpegDHT && s.marker != jpegJPG && s.marker != jpegDAC
}

// describesApplication says that a segment bears no part of the picture.
func (s jpegSegment) describesApplication() bool {
	return s.marker&^15 == jpegAPP0 || s.marker == jpegCOM
}

func jpegSize(blob []byte) (image.Config, error) {
	if _, err := readJPEGHeader(blob); err != nil {
		return image.Config{}, err
	}
	return jpeg.DecodeConfig(bytes.NewReader(blob))
}

// recolored is a JPEG whose header declares other colours. Before its own segments stand those of tables,
// an abbreviated JPEG (TIFF keeps one for all strips), or nothing.
func recolored(blob, tables []byte, adobe byte) io.Reader {
	header := []byte{0xff, jpegSOI, 0xff, jpegAPPE, 0, 14, 'A', 'd', 'o', 'b', 'e', 0, 100, 0, 0, 0, 0, adobe}
	scan := len(blob)
	for _, part := range [][]byte{tables, blob} {
		for s := range jpegSegments(part) {
			switch {
			case s.marker == jpegSOS:
				scan = s.at
			case !s.describesApplication():
				header = append(header, part[s.at:s.at+4+len(s.body)]...)
			}
		}
	}
	return io.MultiReader(bytes.NewReader(header), bytes.NewReader(blob[min(scan, len(blob)):]))
}
