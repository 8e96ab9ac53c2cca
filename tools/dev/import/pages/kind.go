package pages

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
)

// kindOf looks at the first bytes of a file.
func kindOf(file *os.File) (Kind, error) {
	// Acrobat and PDFium look for the header of a PDF in the first kilobyte.
	head := make([]byte, 1024)
	n, err := file.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	head = head[:n]
	switch {
	case n == 0:
		return "", fmt.Errorf("%w: the file is empty", ErrBroken)
	case isTIFF(head):
		return tiffKind(file)
	case bytes.Contains(head, []byte("%PDF-")):
		return PDF, nil
	}
	switch http.DetectContentType(head) {
	case "image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp":
		return Image, nil
	}
	return "", ErrUnsupported
}
