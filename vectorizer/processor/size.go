package processor

// ImageSize reads the dimensions of an image within the limits, and none of its pixels. Errors are
// those of [DecodeImage].
func ImageSize(blob []byte, limits Limits) (width, height int, err error) {
	return View{}.ImageSize(blob, limits)
}

// ImageSize is the function of that name for another view of the picture.
func (v View) ImageSize(blob []byte, limits Limits) (width, height int, err error) {
	format, err := admit(blob, limits)
	if err != nil {
		return 0, 0, err
	}
	width, height, err = format.sizeWithin(blob, limits)
	if err == nil && isSideways(format.orientation(blob, v)) {
		width, height = height, width
	}
	return width, height, err
}

// decodingBytes is what one pixel may take while it is decoded. The most is what a progressive JPEG of
// four channels takes: 16 bytes of coefficients, 4 of planes, 4 of CMYK and 3 of RGB.
const decodingBytes = 28

// DecodingMemory reads the header of an image and returns how many bytes of memory [DecodeImage] may
// take at once, the blob not counted. Errors are those of DecodeImage.
func DecodingMemory(blob []byte, limits Limits) (int64, error) {
	width, height, err := ImageSize(blob, limits)
	return decodingBytes * int64(width) * int64(height), err
}
