// Package blob reads the value of a blob property: bytes as base64 text.
//
// It imports the standard library only: fuzzing instruments everything that a
// test imports.
package blob

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// Decode returns the bytes of an image. It accepts what Weaviate accepts in a
// blob property, standard base64 with padding, and checks the size before it
// allocates anything. What the bytes are is for the vectorizer to find out.
func Decode(text string, maxBytes int64) ([]byte, error) {
	if text == "" {
		return nil, errors.New("image is empty: send the bytes of an image file, base64-encoded")
	}
	if strings.HasPrefix(text, "data:") {
		return nil, errors.New("image is a data: URI: send only what follows its comma, the base64 text")
	}
	if size := decodedBytes(text); size > maxBytes {
		return nil, fmt.Errorf("image has %d bytes, the limit is %d: send a smaller image or raise COLPALI_MAX_IMAGE_BYTES",
			size, maxBytes)
	}
	decoded, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("image is not standard base64 with padding: %w", err)
	}
	return decoded, nil
}

// decodedBytes is the length of what base64 text decodes to.
func decodedBytes(text string) int64 {
	unpadded := strings.TrimRight(text[max(0, len(text)-2):], "=")
	padding := min(2, len(text)) - len(unpadded)
	return int64(base64.StdEncoding.DecodedLen(len(text)) - padding)
}
