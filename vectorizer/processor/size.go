package processor

import "fmt"

// ImageSize reads the dimensions of an image within the limits, and none of its pixels. Errors are
// those of [DecodeImage].
func ImageSize(blob []byte, limits Limits) (width, height int, err error) {
	if int64(len(blob)) > limits.MaxBytes {
		return 0, 0, fmt.Errorf("%w: %d bytes, the limit is %d; send a smaller image or raise COLPALI_MAX_IMAGE_BYTES",
			ErrTooLarge, len(blob), limits.MaxBytes)
	}
	format, err := detectFormat(blob)
	if err != nil {
		return 0, 0, err
	}
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("%w: the %s decoder gave up (%v); the file is damaged, save it again", ErrUndecodable, format.name, cause)
		}
	}()
	config, err := format.size(blob)
	if err != nil {
		return 0, 0, format.undecodable(err)
	}
	return config.Width, config.Height, format.checkSize(config.Width, config.Height, limits)
}
