package processor

import (
	"bytes"
	"encoding/binary"
)

// The functions below find the EXIF block of a file, a small TIFF, or nothing. The file is one that its
// decoder accepted, yet nothing here relies on it.

var exifPrefix = []byte("Exif\x00\x00")

// exifOfJPEG looks through the segments before the first scan.
func exifOfJPEG(blob []byte) []byte {
	for s := range jpegSegments(blob) {
		if s.marker == jpegAPP1 && bytes.HasPrefix(s.body, exifPrefix) {
			return s.body[len(exifPrefix):]
		}
	}
	return nil
}

// exifOfPNG looks for the chunk eXIf, which may stand behind the pixels.
func exifOfPNG(blob []byte) []byte {
	for kind, body := range pngChunks(blob) {
		if kind == "eXIf" {
			return bytes.TrimPrefix(body, exifPrefix)
		}
	}
	return nil
}

// exifOfWebP looks for the chunk EXIF, which stands behind the pixels.
func exifOfWebP(blob []byte) []byte {
	const container, head = 12, 8
	for at := int64(container); at+head <= int64(len(blob)); {
		length := int64(binary.LittleEndian.Uint32(blob[at+4:]))
		if at+head+length > int64(len(blob)) {
			return nil
		}
		if string(blob[at:at+4]) == "EXIF" {
			return bytes.TrimPrefix(blob[at+head:at+head+length], exifPrefix)
		}
		at += head + length + length&1 // chunks begin at even offsets
	}
	return nil
}

// exifOfTIFF is the file: EXIF is TIFF's own directory.
func exifOfTIFF(blob []byte) []byte { return blob }

// orientation says how a picture lies in its file; 0 and 1 are upright. Pillow turns a TIFF by itself.
func (f format) orientation(blob []byte, view View) uint32 {
	if f.exif == nil || !view.Upright && !isTIFF(blob) {
		return 0
	}
	return exifOrientation(f.exif(blob))
}

// exifOrientation reads the tag from an EXIF block; 0 is none.
func exifOrientation(exif []byte) uint32 {
	const header = 8
	if len(exif) < header || !isTIFF(exif) {
		return 0
	}
	return readTIFFDirectory(exif).one(tagOrientation, 0)
}
